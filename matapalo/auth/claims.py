"""Which claims a token must have: one set of rules for the BFFs, the control plane and Envoy's edge listener. Pure.

    iss      the issuer's name, exactly
    aud      `matapalo`, alone or in a list
    exp      required; over for at most a minute, and at most 24 hours ahead
    nbf      optional; at most a minute ahead
    iat      optional; a number, and otherwise not looked at
    sub      required; `SUBJECT`
    tier     optional, then `free`
    role     optional, then `customer`
    cohort   optional; `COHORT`

Envoy's twin is `matapalo.strangler.envoy.identity`; `tests/harness/token_vectors.py` holds the three together. Raises
`Unauthenticated`, which names the reason and never repeats the token. Source: RFC 7519 §4.1, RFC 8725.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

from matapalo.auth.viewer import Role, Tier, Viewer
from matapalo.errors import Unauthenticated

AUDIENCE = "matapalo"
LEEWAY_S = 60
MAX_LIFETIME_S = 24 * 3600

SUBJECT = r"[A-Za-z0-9_.@|-]{1,128}"
"""As identity providers write them (`auth0|5f7c`, an e-mail address). No colon: it sets our own name spaces apart."""
COHORT = r"[A-Za-z0-9_-]{1,32}"
TIERS = tuple(tier for tier in get_args(Tier) if tier != "anonymous")
ROLES = tuple(role for role in get_args(Role) if role != "anonymous")

Reason: TypeAlias = Literal[
    "malformed", "header", "algorithm", "unknown_key", "signature",
    "issuer", "audience", "time", "expired", "not_yet_valid", "lifetime", "subject", "tier", "role", "cohort",
]  # fmt: skip

_SUBJECT = re.compile(SUBJECT)
_COHORT = re.compile(COHORT)


def refused(reason: Reason, message: str) -> Unauthenticated:
    """The error for a token that is refused; clients find ``reason`` in its extensions."""
    return Unauthenticated(message, reason=reason)


def viewer_of(claims: Mapping[str, Any]) -> Viewer:
    """The viewer that ``claims`` describe; who issued them, for whom and when is checked elsewhere."""
    cohort = claims.get("cohort")
    return Viewer(
        subject=_text("subject", claims.get("sub"), _SUBJECT),
        tier=_one_of("tier", claims.get("tier"), TIERS, "free"),
        role=_one_of("role", claims.get("role"), ROLES, "customer"),
        cohort=None if cohort is None else _text("cohort", cohort, _COHORT),
    )


def remaining_s(claims: Mapping[str, Any], *, now_s: float) -> float:
    """For how long the token is still good. Raises when it is not, or not yet."""
    # On our own clock, which tests move; PyJWT would read the machine's, and take numbers in words.
    times = {name: _seconds(name, claims[name]) for name in ("exp", "nbf", "iat") if name in claims}
    remaining = times["exp"] + LEEWAY_S - now_s
    if remaining <= 0:
        raise refused("expired", "The token has expired (exp)")
    if times["exp"] - now_s > MAX_LIFETIME_S:
        raise refused("lifetime", "The token lives for longer than 24 hours (exp)")
    if times.get("nbf", 0) > now_s + LEEWAY_S:
        raise refused("not_yet_valid", "The token is not valid yet (nbf)")
    return remaining


def _seconds(name: str, value: object) -> float:
    # The comparison also refuses NaN, and what is below no float.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**63:
        raise refused("time", f"The token's {name} is no number of seconds")
    return float(value)


def _text(name: Reason, value: object, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise refused(name, f"The token's {name} must match {form.pattern}")
    return value


def _one_of(name: Reason, value: object, allowed: tuple[str, ...], default: str) -> Any:
    if value is None:
        return default
    if not isinstance(value, str) or value not in allowed:
        raise refused(name, f"The token's {name} must be one of {', '.join(allowed)}")
    return value
