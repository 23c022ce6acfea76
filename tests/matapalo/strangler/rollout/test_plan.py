"""Plans as people write them."""

import pytest

from matapalo.strangler.errors import InvalidChange
from matapalo.strangler.rollout.messages import Step
from matapalo.strangler.rollout.plan import parse, render

DAY = 86_400.0


def test_a_plan_is_read_as_it_is_written() -> None:
    assert parse("5% for 1 day, 10% for 2 days, 100%") == (Step(500, DAY), Step(1_000, 2 * DAY), Step(10_000))
    assert parse(" 0.5 % for 90 minutes,100% for 1 week after approval, ") == (
        Step(50, 5_400),
        Step(10_000, 7 * DAY, needs_approval=True),
    )
    assert parse("5% for 1 day 12 hours, 100% AFTER APPROVAL")[0].lasts_s == 1.5 * DAY
    assert parse("1% for 30s, 2% for 5m, 3% for 2h, 4% for 1w, 100%")[3].lasts_s == 7 * DAY


@pytest.mark.parametrize(
    "text", ["5% for 1 day, 25% for 1 week after approval, 100%", "0.01% for 30 seconds, 100% for 1 day 12 hours"]
)
def test_what_is_written_out_is_read_back(text: str) -> None:
    assert render(parse(text)) == text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "a plan has at least one step: write for example '5% for 1 day, 25% for 2 days, 100%'"),
        ("soon", "'soon' is no step: write a percentage and for how long, for example '5% for 1 day'"),
        ("5 for 1 day, 100%", "'5 for 1 day' is no step"),
        ("5% for a while, 100%", "'5% for a while': 'a while' is no duration: write for example '1 day'"),
        ("5% for 1 fortnight, 100%", "'1 fortnight' is no duration"),
        ("5%, 100%", "'5%' does not say for how long: write for example '5% for 1 day'"),
        ("10% for 1 day, 5% for 1 day, 100%", "'5% for 1 day' does not raise the share, which is 10% already"),
        ("0% for 1 day, 100%", "the share of a step is above 0%; to take a route back, roll it back"),
        ("5% for 1 day, 101%", "'101%': the share is '101': give a percentage from 0 to 100"),
        ("5.005% for 1 day, 100%", "'5.005% for 1 day': the share is '5.005': give a percentage from 0 to 100"),
        ("5% for 0 days, 100%", "a step lasts more than 0 seconds and at most 90 days"),
        ("5% for 91 days, 100%", "at most 90 days"),
    ],
)
def test_a_plan_that_is_none_is_refused_with_what_would_be_right(text: str, sentence: str) -> None:
    with pytest.raises(InvalidChange) as refused:
        parse(text)
    assert sentence in str(refused.value)


def test_every_step_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(InvalidChange) as refused:
        parse("a few, 5% for ever, 100%")
    assert len(refused.value.problems) == 2
