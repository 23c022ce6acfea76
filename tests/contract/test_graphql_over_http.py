"""The endpoint passes every audit of `graphql-http`, the reference implementation of GraphQL over HTTP.

The audits exist for Node only: the test carries the mark ``node`` and says so when Node is missing.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.harness.bff_server import serve_bff
from tests.harness.node import installed
from tests.matapalo.graphql.harness import create

pytestmark = pytest.mark.node

PROJECT = Path(__file__).parent / "graphql_over_http"


def test_every_audit_of_graphql_over_http_passes():
    judge = installed(PROJECT, "Auditing the endpoint against GraphQL over HTTP")
    with serve_bff(create().endpoint) as served:
        done = subprocess.run(
            [str(shutil.which("node")), "run.mjs"],
            cwd=judge,
            env={"ENDPOINT": served.url, "STRICT": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "61 passed, 0 failed"), done.stdout + done.stderr
