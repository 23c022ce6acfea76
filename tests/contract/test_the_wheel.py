"""The wheel is the product: it holds the platform alone, and serves a project that lies beside it.

Built and installed without any index: the new environment sees this one's packages through a `.pth` file, which does
not carry over the editable install of the repository.
"""

import ast
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import tomllib
import venv
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.harness.engines import running
from tests.harness.eventually import eventually_sync
from tests.harness.ports import free_port
from tests.harness.tokens import jwks
from tests.harness.upstream import FakeUpstream

pytestmark = pytest.mark.stack

ROOT = Path(__file__).parents[2]
SHOP = ("bff", "subgraphs", "schema", "gateway", "matapalo.toml")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
#: Implementations that uvicorn and redis choose by themselves when they are there.
NEVER_IMPORTED = {"httptools", "websockets"}
DATA = (
    "graphql/graphiql/dist/graphiql.js",
    "graphql/graphiql/dist/style.css",
    "graphql/graphiql/dist/BUILD.json",
    "idempotency/records.lua",
    "ratelimit/tiers.toml",
    "ratelimit/store/lua/reserve.lua",
    "strangler/console/static/console.css",
    "strangler/console/static/console.js",
    "strangler/console/static/uplot/uPlot.iife.min.js",
    "strangler/console/templates/page.html",
    "strangler/envoy/landing_page.css",
    "strangler/envoy/landing_page.html",
)


class Installed(NamedTuple):
    """An environment that has the wheel, and a project beside it."""

    python: Path
    command: Path
    project: Path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (file,) = folder.iterdir()
    return file


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("user")
    venv.create(folder / ".venv", with_pip=False)
    python = folder / ".venv" / "bin" / "python"
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps", "--python"]
    subprocess.run([*install, str(python), str(wheel)], check=True, timeout=60)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder / ".venv")}))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    for name in SHOP:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    return Installed(python, folder / ".venv" / "bin" / "matapalo", folder)


def run(installed: Installed, *line: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in a clean environment."""
    return subprocess.run(
        line, cwd=cwd, env=clean(environment), capture_output=True, text=True, timeout=60, check=False
    )


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """Nothing but what a program needs to run."""
    return {"PATH": os.defpath, "HOME": "/nonexistent", **environment}


class Gateway(BaseHTTPRequestHandler):
    """The REST services in memory, behind a real port."""

    def do_GET(self) -> None:
        request = httpx.Request("GET", f"http://gateway{self.path}")
        response = asyncio.run(FakeUpstream().handle_async_request(request))
        self.send_response(response.status_code)
        self.send_header("Content-Type", response.headers["content-type"])
        self.send_header("Content-Length", str(len(response.content)))
        self.end_headers()
        self.wfile.write(response.content)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@contextmanager
def gateway() -> Iterator[str]:
    """The URL of a fake gateway."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


# --- what is in it ----------------------------------------------------------------------------------------------------


def test_the_wheel_has_one_import_package(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {"matapalo", "matapalo-0.1.0.dist-info"}


def test_the_wheel_has_every_module_and_its_data(wheel: Path) -> None:
    names = {name.removeprefix("matapalo/") for name in zipfile.ZipFile(wheel).namelist()}
    modules = {str(path.relative_to(ROOT / "matapalo")) for path in (ROOT / "matapalo").rglob("*.py")}
    assert modules - names == {"graphql/graphiql/__init__.py", "graphql/graphiql/build.py"}
    assert set(DATA) <= names
    assert not [name for name in names if "node_modules" in name or name.endswith((".pyc", "package.json"))]


# --- what it does -----------------------------------------------------------------------------------------------------


def test_the_platform_is_imported_from_the_wheel(installed: Installed) -> None:
    code = "import matapalo; print(matapalo.__file__)"
    completed = run(installed, str(installed.python), "-P", "-c", code, cwd=installed.project)
    assert Path(completed.stdout.strip()).is_relative_to(installed.project / ".venv"), completed.stderr


def test_serve_answers_a_query_of_the_project(installed: Installed, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    (tmp_path / "jwks.json").write_text(json.dumps(jwks()))
    query = '{ product(id: "prod_0001") { id name price { formatted } } }'
    with gateway() as url:
        environment = clean(
            {
                "MATAPALO_ENV": "development",
                "BFF_PORT": str(port),
                "BFF_GATEWAY_URL": url,
                "BFF_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",  # limits are then counted in the process
                "BFF_JWKS_FILE": str(tmp_path / "jwks.json"),
                "BFF_SECRETS": '["0123456789abcdef0123456789abcdef"]',
            }
        )
        variables = [f"{name}={value}" for name, value in environment.items()]
        line = ["/usr/bin/env", "-i", f"--chdir={installed.project}", *variables, str(installed.command)]
        with running([*line, "serve", "web"], log=log), httpx.Client(trust_env=False, timeout=10) as client:

            def response() -> Any:
                try:
                    return client.post(f"http://127.0.0.1:{port}/graphql", json={"query": query})
                except httpx.TransportError:
                    return None

            body = eventually_sync(response, deadline_s=30, message=f"see {log}").json()
    assert body["data"] == {"product": {"id": "prod_0001", "name": "Product 1", "price": {"formatted": "€1.99"}}}


def test_up_outside_a_project_says_what_it_lacks(installed: Installed, tmp_path: Path) -> None:
    completed = run(installed, str(installed.command), "up", cwd=tmp_path)
    assert completed.returncode == 2
    assert f"there is no matapalo.toml in {tmp_path} or a folder above it" in completed.stderr
    assert "Traceback" not in completed.stderr


# --- what it needs ----------------------------------------------------------------------------------------------------


def imported(*folders: str) -> set[str]:
    """The distributions whose modules these folders import."""
    modules = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules.add(node.module.partition(".")[0])
    distributions = packages_distributions()
    modules -= {*sys.stdlib_module_names, "matapalo", "bff", "subgraphs"}
    return {canonicalize_name(distributions[module][0]) for module in modules}


def declared(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in requirements}


def test_pip_install_brings_what_the_platform_imports() -> None:
    assert declared(PYPROJECT["project"]["dependencies"]) == imported("matapalo") | NEVER_IMPORTED


def test_the_group_shop_has_what_only_the_shop_imports() -> None:
    platform, group = declared(PYPROJECT["project"]["dependencies"]), declared(PYPROJECT["dependency-groups"]["shop"])
    assert not platform & group
    assert group - {"asyncpg"} == imported("bff", "subgraphs") - platform, "asyncpg is named by an address"


def test_the_scripts_of_the_wheel_are_the_platforms(wheel: Path) -> None:
    entry_points = zipfile.ZipFile(wheel).read("matapalo-0.1.0.dist-info/entry_points.txt").decode()
    assert re.findall(r"^(\w+) = ", entry_points, re.MULTILINE) == ["matapalo"]
