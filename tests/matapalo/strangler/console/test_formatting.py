"""Numbers as the console writes them."""

import pytest

from matapalo.strangler.console import formatting
from matapalo.strangler.verdict.checks import Outcome


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (None, "—"),
        (0, "0 %"),
        (1, "100 %"),
        (0.5, "50.0 %"),
        (0.004, "0.40 %"),
        (0.00001, "<0.01 %"),
        (0.9999, "99.9 %"),
    ],
)
def test_some_is_never_shown_as_none_nor_as_all(part: float | None, text: str) -> None:
    assert formatting.percent(part).replace("\u202f", " ") == text


@pytest.mark.parametrize(("per_second", "text"), [(0, "0"), (0.25, "0.25"), (12.34, "12.3"), (1234.5, "1234")])
def test_a_rate_has_as_many_digits_as_it_is_worth(per_second: float, text: str) -> None:
    assert formatting.rate(per_second) == text


@pytest.mark.parametrize(("ms", "text"), [(None, "—"), (0.5, "0.5"), (9.94, "9.9"), (182.4, "182")])
def test_milliseconds_come_without_their_unit(ms: float | None, text: str) -> None:
    assert formatting.milliseconds(ms) == text


def test_a_verdict_is_a_glyph_and_a_word() -> None:
    assert [formatting.verdict(outcome) for outcome in Outcome] == ["✓ PASS", "Ⅱ HOLD", "✗ FAIL"]


def test_a_sample_is_one_line_a_member() -> None:
    assert formatting.indented({"status": 200, "body": {"name": "Zoë"}}).splitlines()[2:4] == [
        '  "body": {',
        '    "name": "Zoë"',
    ]
