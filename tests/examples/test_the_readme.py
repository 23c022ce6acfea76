"""The README's console blocks, run as they stand against a running platform: each command prints what the page says."""

import json
import re
import subprocess
from typing import Any

import pytest

from tests.harness.platform import ROOT, Platform

pytestmark = pytest.mark.stack

README = (ROOT / "README.md").read_text()
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def commands() -> list[tuple[str, str]]:
    """Every command of the page, in order, with what the page says it prints ("" for nothing)."""
    pairs: list[tuple[str, str]] = []
    for block in BLOCK.findall(README):
        for command in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = command.splitlines()
            typed = next(n for n in range(1, len(lines) + 1) if n == len(lines) or not lines[n].startswith("    "))
            pairs.append(("\n".join(lines[:typed]), "\n".join(lines[typed:])))
    return pairs


def on_platform(command: str, platform: Platform) -> str:
    """The command with this platform's addresses and data directory in place of the default ones."""
    command = re.sub(r"127\.0\.0\.1:(\d+)", lambda port: f"127.0.0.1:{int(port[1]) + platform.offset}", command)
    return re.sub(r"(\.venv/bin/matapalo \w+)", rf"\1 --data-dir '{platform.data_dir}'", command)


def parsed(text: str) -> Any:
    """The response without its cost, which differs from one moment to the next; the page says that it is left out."""
    if not text.startswith("{"):
        return text
    response = json.loads(text)
    response.pop("extensions", None)
    return response


def test_the_page_calls_each_kind_of_endpoint() -> None:
    typed = "\n".join(command for command, _ in commands())
    assert all(address in typed for address in ("/web/graphql", "/iot/graphql", "/api/orders"))


def test_every_command_prints_what_the_page_says(platform: Platform) -> None:
    script = "set -e\n" + "\n".join(
        f"{on_platform(command, platform)}{' | cat' if printed else ''}\necho; echo '-- end of command --'"
        for command, printed in commands()
    )
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr

    outputs = [output.strip() for output in done.stdout.split("-- end of command --")[:-1]]
    assert [parsed(output) for output in outputs] == [parsed(printed) for _, printed in commands()]
