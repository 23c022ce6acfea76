"""Problems of an admin API as messages."""

from pathlib import Path

import httpx
import pytest

from matapalo.cli.admin_client import Admin, _sentences
from matapalo.launcher import keys
from matapalo.launcher.errors import NotRunning
from matapalo.launcher.platform import DataDir, Platform


def test_without_keys_it_says_what_to_run_first(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match="run `matapalo up` first"):
        Admin(Platform(DataDir(tmp_path), 900))


def test_without_a_control_plane_it_says_how_to_start_one(tmp_path: Path) -> None:
    platform = Platform(DataDir(tmp_path), 900)
    platform.data.keys.mkdir(parents=True)
    keys.create(platform.data.keys)
    with Admin(platform) as admin, pytest.raises(NotRunning, match="the control plane does not respond on"):
        admin.get("/routes")


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (
            httpx.Response(422, json={"title": "No", "detail": "a; b", "errors": [{"message": "a"}, {"message": "b"}]}),
            "No\n- a\n- b",
        ),
        (httpx.Response(404, json={"title": "Not found", "detail": "no route"}), "Not found\n- no route"),
        (httpx.Response(422, json={"title": "tiers:1: there is no 'x'"}), "tiers:1: there is no 'x'"),
        (httpx.Response(502, text="bad gateway"), "the control plane responds 502: bad gateway"),
    ],
)
def test_every_sentence_of_a_problem_is_in_the_message(response: httpx.Response, message: str) -> None:
    assert _sentences("the control plane", response) == message
