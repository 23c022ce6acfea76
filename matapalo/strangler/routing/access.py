"""The callers that may use a route from outside, as a function of values.

Envoy's edge listener computes the same (`matapalo.strangler.envoy.tables`), and only Envoy enforces it:
tests/stack/test_envoy_agrees_with_the_rule.py holds the two equal. Which rows a customer sees the services decide.
"""

from enum import IntEnum

from matapalo.strangler.routing.route import SAFE_METHODS, Audience

STAFF_ROLES = ("operator", "service")
READER_ROLES = ("customer", "warehouse")


class Access(IntEnum):
    """The decision, as the HTTP status of a denial."""

    GRANTED = 200
    UNAUTHENTICATED = 401
    FORBIDDEN = 403


def access(audience: Audience, *, method: str, subject: str | None, role: str | None) -> Access:
    """Staff may do everything; others read what the audience allows. ``subject`` is None without a valid token."""
    if role in STAFF_ROLES:
        return Access.GRANTED
    is_reader = role in READER_ROLES or (subject is not None and role is None)  # a token without a role: a customer
    if method in SAFE_METHODS and (audience is Audience.PUBLIC or (audience is Audience.OWNER and is_reader)):
        return Access.GRANTED
    return Access.FORBIDDEN if subject else Access.UNAUTHENTICATED
