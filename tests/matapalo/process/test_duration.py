"""Lengths of time in words."""

from datetime import timedelta

import pytest

from matapalo.process.duration import approximate_duration, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("1 day", timedelta(days=1)),
        ("90 minutes", timedelta(minutes=90)),
        ("1 day 12 hours", timedelta(hours=36)),
        ("1 hour and 30 sec", timedelta(seconds=3_630)),
        ("30s", timedelta(seconds=30)),
        ("5m", timedelta(minutes=5)),
        ("2H", timedelta(hours=2)),
        ("1w", timedelta(weeks=1)),
        ("0 days", timedelta()),
    ],
)
def test_a_duration_is_numbers_with_their_units(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize("text", ["", "a while", "1 fortnight", "day", "1.5 days", "1 day or so", "5"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration: write for example '1 day'"):
        parse_duration(text)


def test_a_duration_is_written_whole_and_read_back() -> None:
    assert format_duration(timedelta(seconds=90_061)) == "1 day 1 hour 1 minute 1 second"
    assert format_duration(timedelta()) == "0 seconds"
    for seconds in (30, 5_400, 129_600, 604_800, 31_536_000):
        assert parse_duration(format_duration(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(days=30), "30 days"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(hours=1), "60 minutes"),
        (timedelta(seconds=5), "5 seconds"),
        (timedelta(seconds=-5), "0 seconds"),
    ],
)
def test_an_approximate_duration_has_one_unit(length: timedelta, text: str) -> None:
    assert approximate_duration(length) == text
