"""The platform's admin APIs, as commands call them: over HTTP, with an operator's development token.

Responses are JSON objects. A problem (RFC 9457) becomes Refused, whose message has every sentence of it.
Raises NotRunning when nothing listens.
"""

import getpass
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx

from matapalo.launcher import keys
from matapalo.launcher.errors import NotRunning, Refused, UnknownName
from matapalo.launcher.keys import Role
from matapalo.launcher.platform import Platform

CONTROL_PORT = 8010
TOKEN_LIFETIME = timedelta(minutes=15)
TIMEOUT_S = 10


class Admin:
    """A client for one command, of the control plane or of the process ``name`` at ``port``. Use it as a context."""

    def __init__(
        self,
        platform: Platform,
        *,
        port: int = CONTROL_PORT,
        name: str = "the control plane",
        lifetime: timedelta = TOKEN_LIFETIME,
    ) -> None:
        self._name = name
        self._address = platform.address(port)
        token = keys.token(platform.data.keys, subject=user_name(), role=Role.OPERATOR, lifetime=lifetime)
        self._http = httpx.Client(
            base_url=platform.url(port, "/admin"),
            headers={"authorization": f"Bearer {token}"},
            timeout=TIMEOUT_S,
            trust_env=False,
        )

    def __enter__(self) -> "Admin":
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()

    def get(self, path: str, **params: str | int | None) -> Any:
        """The object at a path."""
        present = {name: value for name, value in params.items() if value is not None}
        return self.request("GET", path, params=present).json()

    def text(self, path: str) -> str:
        """The text at a path."""
        return self.request("GET", path).text

    def send(self, method: str, path: str, body: Mapping[str, Any], *, if_match: str | None = None) -> Any:
        """Make a change. ``if_match`` is the revision that its author saw."""
        headers = {} if if_match is None else {"if-match": if_match}
        return self.request(method, path, json=body, headers=headers).json()

    def route(self, name: str) -> Any:
        """The route of this name, or the one that this path belongs to."""
        routes = self.get("/routes")["routes"]
        for route in routes:
            prefix = route["prefix"]
            if name in (route["name"], prefix) or name.startswith((f"{prefix}/", f"{prefix}?")):
                return route
        raise UnknownName(f"there is no route {name!r}: choose one of {', '.join(route['name'] for route in routes)}")

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A successful response. ``options`` are those of `httpx.Client.request`."""
        try:
            response = self._http.request(method, path, **options)
        except httpx.TransportError:
            raise NotRunning(
                f"{self._name} does not respond on {self._address}: start the platform with `matapalo up`"
            ) from None
        if not response.is_success:
            raise Refused(_sentences(self._name, response))
        return response


def user_name() -> str:
    """The author of a change in the history: the user of this machine."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        name = "operator"
    return re.sub(r"[^A-Za-z0-9_.@:-]", "_", name)[:64] or "operator"


def _sentences(name: str, response: httpx.Response) -> str:
    try:
        problem = response.json()
        errors = [error["message"] for error in problem.get("errors", ())]
        details = errors or ([problem["detail"]] if "detail" in problem else [])
        return "\n".join([problem["title"], *(f"- {detail}" for detail in details)])
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"{name} responds {response.status_code}: {response.text[:200]}"
