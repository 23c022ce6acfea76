"""Which operator is at the console, and whether a write comes from our own page.

The session *is* the operator's token: a cookie that scripts cannot read, sent to `/console` of this site only. There is
nothing to store, so any replica serves it, also while Redis is down, and no session outlives its token. Its name
carries the port, because browsers share cookies between the ports of a host.

A write needs two things that another site cannot bring along: an `Origin` equal to ours, and the session's form token,
either in the header `X-Console-Token` (scripts) or in the form field ``token`` (without scripts). The form token is
derived from the session, so that it needs no store either.
Raises Unauthenticated and Forbidden.
"""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from matapalo.strangler.caller import TokenVerifier
from matapalo.strangler.errors import Forbidden, Unauthenticated

PATH = "/console"
TOKEN_HEADER = "x-console-token"  # noqa: S105 - the header's name
TOKEN_FIELD = "token"  # noqa: S105 - the field's name
LONGEST_S = 8 * 3600
_COOKIE = "matapalo_console"


class Session(NamedTuple):
    """An operator who is signed in, and what the forms of this session carry."""

    operator: str
    form_token: str

    def __repr__(self) -> str:
        return f"Session({self.operator!r}, …)"


async def verified(token: str, verifier: TokenVerifier) -> Session:
    caller = await verifier.verify_operator(f"Bearer {token}")
    return Session(caller.subject, form_token(token))


async def session_of(request: Request, verifier: TokenVerifier) -> Session:
    return await verified(token_of(request), verifier)


def token_of(request: Request) -> str:
    token = request.cookies.get(_cookie_name(request))
    if token is None:
        raise Unauthenticated("sign in first")
    return token


def form_token(token: str) -> str:
    """What forms of this session carry: it cannot be computed without the token."""
    return hmac.new(token.encode(), b"matapalo console form", sha256).hexdigest()


def require_same_origin(request: Request) -> None:
    """Refuse a write that another site's page sends: browsers send `Origin` with every POST, no page can set it."""
    if request.headers.get("origin") != f"{_scheme(request)}://{request.headers.get('host', '')}":
        raise Forbidden("this write did not come from the console's own page: open the console and try again there")


def require_form_token(request: Request, form: Mapping[str, str], session: Session) -> None:
    """Refuse a write without the token that only our own pages of this session hold."""
    sent = request.headers.get(TOKEN_HEADER) or form.get(TOKEN_FIELD, "")
    if not hmac.compare_digest(sent.encode(), session.form_token.encode()):
        raise Forbidden("this form belongs to another session: load the page again and repeat the change")


def sign_in(request: Request, response: Response, token: str) -> None:
    response.set_cookie(
        _cookie_name(request),
        token,
        max_age=LONGEST_S,
        path=PATH,
        secure=_scheme(request) == "https",
        httponly=True,
        samesite="strict",
    )


def sign_out(request: Request, response: Response) -> None:
    response.delete_cookie(
        _cookie_name(request), path=PATH, secure=_scheme(request) == "https", httponly=True, samesite="strict"
    )


def _cookie_name(request: Request) -> str:
    _, _, port = request.headers.get("host", "").rpartition(":")
    return f"{_COOKIE}_{port}" if port.isascii() and port.isdigit() else _COOKIE


def _scheme(request: Request) -> str:
    """What the browser used: Envoy and whatever ends TLS before it say so."""
    return request.headers.get("x-forwarded-proto", request.url.scheme)
