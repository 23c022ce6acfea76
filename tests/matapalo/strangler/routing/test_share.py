"""Percentages as people write them, to the basis point."""

import pytest

from matapalo.strangler.errors import InvalidChange
from matapalo.strangler.routing.share import format_share, parse_share


@pytest.mark.parametrize(
    ("text", "share_bp"),
    [
        ("0", 0),
        ("25", 2_500),
        ("25%", 2_500),
        ("25 %", 2_500),
        ("0.5", 50),
        ("0.01", 1),
        ("12,05", 1_205),
        ("7.50000", 750),
        (" 100% ", 10_000),
    ],
)
def test_a_percentage_is_read_exactly(text: str, share_bp: int) -> None:
    assert parse_share(text) == share_bp


@pytest.mark.parametrize(
    "text",
    ["", "lots", "%", "12.345", "5.005%", "0.001", "100.01", "101", "-1", "NaN", "1e1", "1e999999", "٤٠", "2 5", "5."],
)
def test_what_is_no_basis_point_is_refused_not_rounded(text: str) -> None:
    with pytest.raises(InvalidChange, match="give a percentage from 0 to 100 with at most two decimals"):
        parse_share(text)


@pytest.mark.parametrize("space", [" ", "", "\u202f"])
def test_every_share_is_read_back_as_it_was_written(space: str) -> None:
    assert [parse_share(format_share(bp, space=space)) for bp in range(10_001)] == list(range(10_001))
