"""Temporal's command line tool: found wherever the environment is, started with the settings that make it quick."""

import subprocess
import sys

from matapalo.launcher.engines import temporal


def test_it_is_found_without_a_path():
    code = "from matapalo.launcher.engines import temporal; print(temporal.binary())"
    binary = subprocess.run([sys.executable, "-c", code], env={"PATH": ""}, capture_output=True, text=True, check=True)
    assert binary.stdout.strip() == str(temporal.binary())
    version = subprocess.run([temporal.binary(), "--version"], capture_output=True, text=True, check=True)
    assert "Server" in version.stdout


def test_it_polls_often_and_has_our_search_attributes():
    line = " ".join(
        temporal.command(
            port=1, ui_port=None, database=None, search_attributes={"OrderStatus": "Keyword", "CustomerId": "Keyword"}
        )
    )
    for queue in ("transfer", "timer", "visibility"):
        assert f"--dynamic-config-value history.{queue}ProcessorMaxPollRPS=2000" in line
    for name in ("OrderStatus", "CustomerId"):
        assert f"--search-attribute {name}=Keyword" in line
    assert "--sqlite-pragma" not in line  # crash tests are made with the default
