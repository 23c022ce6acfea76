"""What `matapalo routes` makes of its options, and what it says when it cannot."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from matapalo.cli import admin_client as admin
from matapalo.cli.load import Totals, read
from matapalo.cli.routes import _basis_points, _matches, _users
from matapalo.launcher import keys
from matapalo.launcher.errors import BadInput, NotRunning
from matapalo.launcher.platform import DataDir, Platform
from tests.harness.shop import SHOP


@pytest.mark.parametrize(
    ("text", "share_bp"), [("0", 0), ("40", 4_000), ("0.01", 1), ("12.5%", 1_250), ("100 %", 10_000)]
)
def test_a_percentage_is_read_exactly(text, share_bp):
    assert _basis_points("--percent", text) == share_bp


@pytest.mark.parametrize("text", ["-1", "100.01", "0.001", "many", "", "NaN", "1e400"])
def test_what_is_no_percentage_is_refused(text):
    with pytest.raises(BadInput, match=r"--percent: .* give a percentage from 0 to 100 with at most two decimals"):
        _basis_points("--percent", text)


def test_rules_name_a_value_and_a_side():
    assert _matches("--canary", ["beta=new", "old=legacy", "x"]) == [
        {"value": "beta", "side": "new"},
        {"value": "old", "side": "legacy"},
        {"value": "x", "side": "new"},
    ]
    assert _matches("--canary", [""]) == []
    with pytest.raises(BadInput, match="write VALUE=new or VALUE=legacy"):
        _matches("--canary", ["beta=both"])


def test_users_come_from_the_command_line_or_a_file(tmp_path: Path):
    assert _users("a,b a") == ["a", "b"]
    file = tmp_path / "users"
    file.write_text("a\nb\n")
    assert _users(f"@{file}") == ["a", "b"]
    assert _users("") == []
    with pytest.raises(BadInput, match="No such file"):
        _users(f"@{tmp_path / 'none'}")


def test_without_a_control_plane_it_says_how_to_start_one(tmp_path: Path):
    platform = Platform(DataDir.at(tmp_path), 900)
    with pytest.raises(NotRunning, match="run `matapalo up` first"):
        admin.Admin(platform)
    platform.data.keys.mkdir(parents=True)
    keys.create(platform.data.keys)
    assert timedelta(0) < admin.TOKEN_LIVES <= timedelta(hours=1)
    with admin.Admin(platform) as asked, pytest.raises(NotRunning, match="the control plane does not answer"):
        asked.get("/routes")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            httpx.Response(422, json={"title": "No", "detail": "a; b", "errors": [{"message": "a"}, {"message": "b"}]}),
            "No\n- a\n- b",
        ),
        (httpx.Response(404, json={"title": "Not found", "detail": "no route"}), "Not found\n- no route"),
        (httpx.Response(502, text="bad gateway"), "the control plane answers 502: bad gateway"),
    ],
)
def test_every_sentence_of_a_refusal_is_said(answer, said):
    assert admin._sentences(answer) == said


def test_the_traffic_is_reads_of_both_kinds_of_clients():
    assert SHOP.project.traffic is not None
    mix = read(SHOP.project.traffic)
    assert sum(request.weight for request in mix.requests) == 100
    assert {request.path.split("?")[0].split("/")[1] for request in mix.requests} == {"api", "web", "mobile"}
    totals = Totals(latencies_ms=[float(n) for n in range(1, 101)])
    assert (totals.quantile_ms(0.5), totals.quantile_ms(0.99), totals.total) == (51, 100, 100)
    assert Totals().as_json()["p99_ms"] == 0
