"""From the claims of a token whose signature is good to a `Viewer`. Pure.

Raises `Unauthenticated`; its message says which claim is wrong, and never repeats the token.
Source: RFC 7519 §4.1, RFC 8725; the claims are those of the platform (sub, tier, role, cohort).
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args

from matapalo.auth.viewer import Role, Tier, Viewer
from matapalo.errors import Unauthenticated

AUDIENCE = "matapalo"
LEEWAY_S = 5
MAX_LIFETIME_S = 24 * 3600
_END_OF_TIME_S = 1e11

# What goes into a header of every REST call and into routing rules.
_SUBJECT = re.compile(r"[A-Za-z0-9_-]{1,64}")
_COHORT = re.compile(r"[A-Za-z0-9_-]{1,32}")
_TIERS = frozenset(get_args(Tier)) - {"anonymous"}
_ROLES = frozenset(get_args(Role)) - {"anonymous"}


def viewer_of(claims: Mapping[str, Any], *, now: datetime, issuer: str) -> Viewer:
    """The viewer that ``claims`` describe at the moment ``now``."""
    if claims.get("iss") != issuer:
        raise Unauthenticated("The token was issued by somebody else (iss)")
    audience = claims.get("aud")
    if audience != AUDIENCE and not (isinstance(audience, list) and AUDIENCE in audience):
        raise Unauthenticated(f"The token is for another audience (aud): it must be {AUDIENCE!r}")
    _check_times(claims, now.timestamp())
    return Viewer(
        subject=_text(claims, "sub", _SUBJECT),
        tier=_one_of(claims, "tier", _TIERS, "free"),
        role=_one_of(claims, "role", _ROLES, "customer"),
        cohort=None if claims.get("cohort") is None else _text(claims, "cohort", _COHORT),
    )


def expiry_s(claims: Mapping[str, Any]) -> float:
    """When the token ends, in seconds since 1970. Raises `Unauthenticated` when it does not."""
    return _seconds(claims, "exp")


def _check_times(claims: Mapping[str, Any], now_s: float) -> None:
    expires_s, issued_s = expiry_s(claims), _seconds(claims, "iat")
    if expires_s <= now_s - LEEWAY_S:
        raise Unauthenticated("The token has expired (exp)")
    if expires_s - issued_s > MAX_LIFETIME_S:
        raise Unauthenticated("The token lives longer than 24 hours (exp, iat)")
    starts_s = _seconds(claims, "nbf") if "nbf" in claims else issued_s
    if max(issued_s, starts_s) > now_s + LEEWAY_S:
        raise Unauthenticated("The token is not valid yet (iat, nbf)")


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    # Comparing with a limit also refuses NaN, and integers that are no float.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _END_OF_TIME_S:
        raise Unauthenticated(f"The token has no {name} that is a number of seconds")
    return float(value)


def _text(claims: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise Unauthenticated(f"The token's {name} must match {form.pattern}")
    return value


def _one_of(claims: Mapping[str, Any], name: str, allowed: frozenset[str], default: str) -> Any:
    value = claims.get(name, default)
    if not isinstance(value, str) or value not in allowed:
        raise Unauthenticated(f"The token's {name} must be one of {', '.join(sorted(allowed))}")
    return value
