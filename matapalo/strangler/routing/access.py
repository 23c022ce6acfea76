"""Who may use a route from outside, as a function of values. Envoy's edge listener computes the same
(`matapalo.strangler.envoy.edge`); which rows a customer sees is the services' business, not decided here.
"""

from enum import IntEnum

from matapalo.strangler.routing.route import SAFE_METHODS, Audience

STAFF_ROLES = ("operator", "service")
READER_ROLES = ("customer", "warehouse")


class Access(IntEnum):
    """The answer, as the HTTP status it has when it is no."""

    GRANTED = 200
    UNAUTHENTICATED = 401
    FORBIDDEN = 403


def access(audience: Audience, *, method: str, subject: str | None, role: str | None) -> Access:
    """Staff may do everything; others read what the audience lets them. ``subject`` is None without a good token."""
    if role in STAFF_ROLES:
        return Access.GRANTED
    if method in SAFE_METHODS and (
        audience is Audience.PUBLIC or (audience is Audience.OWNER and role in READER_ROLES)
    ):
        return Access.GRANTED
    return Access.FORBIDDEN if subject else Access.UNAUTHENTICATED
