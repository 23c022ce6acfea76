"""Temporal's command line tool: found wherever the environment is, started with the settings that make it quick."""

import subprocess
import sys

from matapalo.launcher.engines import temporal


def test_it_is_found_without_a_path():
    code = "from matapalo.launcher.engines import temporal; print(temporal.binary())"
    found = subprocess.run([sys.executable, "-c", code], env={"PATH": ""}, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == str(temporal.binary())
    said = subprocess.run([temporal.binary(), "--version"], capture_output=True, text=True, check=True)
    assert "Server" in said.stdout


def test_it_polls_its_queues_often_and_knows_our_search_attributes():
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
