"""`tiers.toml`: what may be said, and that a mistake names its line."""

from pathlib import Path

import pytest

from matapalo.ratelimit.rules.window import StrictWindow
from matapalo.ratelimit.tiers import PACKAGED, TIERS, TiersError, packaged, parse, read

TEXT = PACKAGED.read_text()


def limits(tier: str) -> dict[str, int]:
    return {policy.name: policy.limit for policy in packaged().tiers[tier]}


def line_of(text: str, part: str, *, after: str = "") -> int:
    start = text.index(after) if after else 0
    return text.count("\n", 0, text.index(part, start)) + 1


@pytest.mark.parametrize(
    ("tier", "minute", "hour", "day"),
    [("free", 10, 100, 1000), ("basic", 60, 1000, 10_000), ("premium", 300, 10_000, 100_000)],
)
def test_the_packaged_tiers_are_the_published_ones(tier: str, minute: int, hour: int, day: int) -> None:
    assert [limits(tier)[name] for name in ("minute", "hour", "day")] == [minute, hour, day]


def test_enterprise_has_no_windows_but_caps() -> None:
    assert set(limits("enterprise")) == {"introspection", "cost", "concurrency"}


def test_all_tiers_that_tokens_can_name_are_there() -> None:
    assert set(packaged().tiers) == set(TIERS)


def test_unlimited_is_left_out_and_nothing_blocks() -> None:
    text = TEXT.replace("minute = 300", 'minute = "unlimited"').replace("hour = 10000", "hour = 0")
    policies = {policy.name: policy for policy in parse(text).tiers["premium"]}
    assert "minute" not in policies
    assert policies["hour"].limit == 0
    plan = parse(text).plan("premium", "query")
    assert [policy.name for policy in plan.blocked] == ["hour"]


def test_a_tier_without_points_is_blocked_and_not_unlimited() -> None:
    text = TEXT.replace("cost = { capacity = 1000, restore_per_s = 20 }", "cost = 0")
    assert [policy.name for policy in parse(text).plan("free", "query").blocked] == ["cost"]


MISTAKES = {
    "minute = 300": ("minute = -300", "minute is -300: use a whole number from 0 to"),
    "hour = 10000": ("hour = 1.5", "hour is 1.5: use a whole number"),
    "day = 100000": ('day = "none"', "day is 'none': use a whole number from 0 to 1000000000, or \"unlimited\""),
    "concurrency = 30": ("concurrency = true", "concurrency is True"),
    "introspection = 60": ("introspektion = 60", "there is no 'introspektion'"),
    "cost = { capacity = 10000, restore_per_s = 500 }": ("cost = { capacity = 10000 }", "restore_per_s is missing"),
}


@pytest.mark.parametrize("right", MISTAKES)
def test_a_mistake_in_a_tier_names_its_line(right: str) -> None:
    wrong, sentence = MISTAKES[right]
    text = TEXT.replace(right, wrong, 1)
    line = line_of(text, wrong, after="[tier.premium]")
    with pytest.raises(TiersError) as caught:
        parse(text)
    assert str(caught.value).startswith(f"tiers.toml:{line}: ")
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        ('shape = "cost"', 'shape = "bucket"', "shape is 'bucket': use one of window, cost, concurrency"),
        ("window_s = 60\n", "window_s = 0\n", "window_s is 0"),
        ("lease_s = 30", "lease_s = 30\nburst = 2", "there is no 'burst'"),
        ("lease_s = 30", 'lease_s = 30\nmode = "off"', "mode is 'off'"),
        ("lease_s = 30", 'lease_s = 30\non_error = "maybe"', "on_error is 'maybe'"),
        ('counts = ["introspection"]', 'counts = ["everything"]', "counts is ['everything']"),
    ],
)
def test_a_mistake_in_a_policy_names_its_line(right: str, wrong: str, sentence: str) -> None:
    text = TEXT.replace(right, wrong, 1)
    line = line_of(text, wrong) + wrong.rstrip("\n").count("\n")
    with pytest.raises(TiersError) as caught:
        parse(text)
    assert str(caught.value).startswith(f"tiers.toml:{line}: ")
    assert sentence in str(caught.value)


def test_unknown_and_missing_tiers_are_mistakes() -> None:
    with pytest.raises(TiersError, match=r"tiers.toml:\d+: there is no 'gold'"):
        parse(TEXT.replace("[tier.free]", "[tier.gold]"))
    start, end = TEXT.index("[tier.basic]"), TEXT.index("[tier.premium]")
    with pytest.raises(TiersError, match=r"\[tier\] does not say 'basic'"):
        parse(TEXT[:start] + TEXT[end:])


def test_a_tier_must_state_every_policy() -> None:
    text = TEXT.replace("day = 10000\n", "", 1)
    with pytest.raises(TiersError, match=rf"tiers.toml:{line_of(text, '[tier.basic]')}: .*does not say 'day'"):
        parse(text)


def test_what_is_no_toml_says_where() -> None:
    with pytest.raises(TiersError, match="line 3"):
        parse("a = 1\nb = 2\nc =\n")


def test_an_empty_text_is_a_mistake() -> None:
    with pytest.raises(TiersError, match="there is no table"):
        parse("")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TiersError, match=r"limits\.toml: cannot be read"):
        read(tmp_path / "limits.toml")


def test_shadow_and_on_error_are_taken_over() -> None:
    text = TEXT.replace("lease_s = 30", 'lease_s = 20\nmode = "shadow"\non_error = "closed"')
    (policy,) = [policy for policy in parse(text).tiers["free"] if policy.shape == "concurrency"]
    assert policy.shadow
    assert policy.on_error == "closed"
    assert isinstance(policy.rule, StrictWindow)
    assert policy.rule.window_us == 20_000_000
