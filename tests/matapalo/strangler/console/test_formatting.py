"""Numbers as the console writes them."""

import pytest

from matapalo.strangler.console import formatting as figures
from matapalo.strangler.console.line_diff import LONGEST, Line, pair
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
def test_nothing_that_happened_is_shown_as_nothing_and_nothing_partial_as_all(part: float | None, text: str) -> None:
    assert figures.percent(part).replace("\u202f", " ") == text


@pytest.mark.parametrize(("per_second", "text"), [(0, "0"), (0.25, "0.25"), (12.34, "12.3"), (1234.5, "1234")])
def test_a_rate_has_as_many_digits_as_it_is_worth(per_second: float, text: str) -> None:
    assert figures.rate(per_second) == text


@pytest.mark.parametrize(("ms", "text"), [(None, "—"), (0.5, "0.5"), (9.94, "9.9"), (182.4, "182")])
def test_milliseconds_come_without_their_unit(ms: float | None, text: str) -> None:
    assert figures.milliseconds(ms) == text


def test_a_verdict_is_a_glyph_and_a_word() -> None:
    assert [figures.verdict(outcome) for outcome in Outcome] == ["✓ PASS", "Ⅱ HOLD", "✗ FAIL"]


def test_a_pair_marks_what_the_other_does_not_have_and_no_comma() -> None:
    found = pair('{\n "a": 1\n}', '{\n "a": 1,\n "b": 2\n}')
    assert found.legacy == (Line("{", False), Line(' "a": 1', False), Line("}", False))
    assert [line.text for line in found.new if line.differs] == [' "b": 2']


def test_a_pair_that_is_too_long_is_shown_without_marks() -> None:
    found = pair("x\n" * (LONGEST + 1), "y")
    assert not any(line.differs for line in (*found.legacy, *found.new))
