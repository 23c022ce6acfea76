"""What `matapalo routes` makes of its options, and what it says when it cannot."""

from pathlib import Path

import pytest

from matapalo.cli.routes import _basis_points, _matches, _users
from matapalo.launcher.errors import BadInput


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
