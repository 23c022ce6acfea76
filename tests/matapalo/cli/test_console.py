"""`matapalo console` without a platform; with one: tests/stack/test_the_console_in_a_browser.py."""

from pathlib import Path

import pytest

from matapalo.cli.console import console
from matapalo.launcher.errors import NotRunning


def test_without_a_platform_it_says_how_to_start_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matapalo.launcher.ports.is_free", lambda port: True)
    with pytest.raises(NotRunning, match="start it with `matapalo up`"):
        console(print_=True, data_dir=tmp_path)
