"""The control plane's admin API, as the commands ask it: over HTTP, with an operator's development token.

Answers are JSON objects. A problem (RFC 9457) becomes Refused, whose message has every sentence of it.
Raises NotRunning when nobody answers.
"""

import getpass
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx

from matapalo.launcher import keys
from matapalo.launcher.errors import NotRunning, Refused
from matapalo.launcher.keys import Role, Tier
from matapalo.launcher.platform import Platform

CONTROL_PORT = 8010
TOKEN_LIVES = timedelta(minutes=15)


class Admin:
    """A client for one command. Close it, or use it as a context. ``lifetime`` is that of its token."""

    def __init__(self, platform: Platform, *, lifetime: timedelta = TOKEN_LIVES) -> None:
        self._address = platform.address(CONTROL_PORT)
        token = keys.token(
            platform.data.keys,
            subject=me(),
            tier=Tier.ENTERPRISE,
            role=Role.OPERATOR,
            cohort=None,
            lifetime=lifetime,
        )
        headers = {"authorization": f"Bearer {token}"}
        self._http = httpx.Client(
            base_url=platform.url(CONTROL_PORT, "/admin"), headers=headers, timeout=10, trust_env=False
        )

    def __enter__(self) -> "Admin":
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()

    def get(self, path: str, **params: str | int | None) -> Any:
        """What is at a path."""
        present = {name: value for name, value in params.items() if value is not None}
        return self._ask("GET", path, params=present).json()

    def text(self, path: str) -> str:
        """What is at a path, where it is text."""
        return self._ask("GET", path).text

    def send(self, method: str, path: str, body: Mapping[str, Any], *, if_match: str | None = None) -> Any:
        """A change. ``if_match`` is what its author saw."""
        headers = {} if if_match is None else {"if-match": if_match}
        return self._ask(method, path, json=body, headers=headers).json()

    def route(self, named: str) -> Any:
        """The route of this name, or the one that this path belongs to."""
        routes = self.get("/routes")["routes"]
        for route in routes:
            prefix = route["prefix"]
            if named == route["name"] or named == prefix or named.startswith((f"{prefix}/", f"{prefix}?")):
                return route
        raise Refused(f"there is no route {named!r}: choose one of {', '.join(route['name'] for route in routes)}")

    def _ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **sent)
        except httpx.TransportError:
            raise NotRunning(
                f"the control plane does not answer on {self._address}: start the platform with `matapalo up`"
            ) from None
        if not answer.is_success:
            raise Refused(_sentences(answer))
        return answer


def me() -> str:
    """Who the history says it was: the user of this machine."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        name = "operator"
    return re.sub(r"[^A-Za-z0-9_.@:-]", "_", name)[:64] or "operator"


def _sentences(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        errors = [error["message"] for error in problem.get("errors", ())]
        return "\n".join([problem["title"], *(f"- {error}" for error in errors or [problem["detail"]])])
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"the control plane answers {answer.status_code}: {answer.text[:200]}"
