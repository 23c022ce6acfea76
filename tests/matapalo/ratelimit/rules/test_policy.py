"""Policies and plans: what they count, and how they are known to the store and to clients."""

from matapalo.ratelimit.rules.bucket import CostBucket
from matapalo.ratelimit.rules.policy import Policy
from matapalo.ratelimit.tiers import packaged


def test_the_kind_decides_what_is_counted() -> None:
    def counted(kind: str) -> list[str]:
        plan = packaged().plan("free", kind)  # type: ignore[arg-type]
        return [policy.name for policy, mode in zip(plan.policies, plan.modes, strict=True) if mode]

    assert (
        counted("query")
        == counted("mutation")
        == counted("subscription")
        == ["minute", "hour", "day", "cost", "concurrency"]
    )
    assert counted("introspection") == ["introspection", "concurrency"]


def test_sections_do_not_depend_on_limits_and_never_collide() -> None:
    by_tier = [{policy.name: policy.section for policy in policies} for policies in packaged().tiers.values()]
    everything: dict[str, int] = {}
    for sections in by_tier:
        for name, section in sections.items():
            assert everything.setdefault(name, section) == section
    assert len(set(everything.values())) == len(everything)


def test_a_policy_describes_itself_for_headers() -> None:
    policies = {policy.name: policy for policy in packaged().tiers["free"]}
    assert policies["hour"].state().window_s == 3600
    assert policies["cost"].state().restore_per_s == 20
    assert policies["cost"].state().window_s == 50
    assert policies["concurrency"].state().unit == "concurrent-requests"
    assert isinstance(policies["cost"].rule, CostBucket)
    assert isinstance(policies["minute"], Policy)
