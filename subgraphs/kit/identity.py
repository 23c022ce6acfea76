"""The caller, from the identity headers of the internal network, and what that lets them do.

The BFF, the workers and Envoy (after it verified a token) set `x-user-id` and `x-role`; a service believes them, so
its port must never be reachable from outside. Rules (the authorisation walk in `tests/contract` holds both sides):

* anonymous (neither header): GET of products, inventory and recommendations; else 401;
* customer, warehouse: reads of their own data; another customer's is 404, as if it did not exist; writes are 403;
* operator, service: everything; `x-user-id` is then only the subject the request is routed by, never a filter.

`x-user-id` without a role is a customer: the least that header can mean. An unknown role is 401.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from subgraphs.kit.problem import Forbidden, Unauthenticated

Role = Literal["anonymous", "customer", "warehouse", "operator", "service"]

PUBLIC_PREFIXES = ("/api/products", "/api/inventory", "/api/recommendations")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent the request. ``subject`` is a customer id for customers, and anything (or nothing) for staff."""

    role: Role
    subject: str | None = None

    @property
    def owner(self) -> str | None:
        """The customer whose data alone may be shown; `None` when nothing is hidden by ownership.

        Anonymous callers own nothing: they never reach owned collections, and of the public ones see unowned rows.
        """
        return self.subject if self.role in ("customer", "warehouse") else None

    @property
    def staff(self) -> bool:
        return self.role in ("operator", "service")

    def may_see(self, customer_id: str) -> bool:
        """Whether data of ``customer_id`` exists as far as this caller is concerned."""
        return self.staff or customer_id == self.owner


def caller_of(headers: Mapping[str, str]) -> Caller:
    """The caller named by the identity headers; raises `Unauthenticated` when they contradict themselves."""
    subject = headers.get("x-user-id") or None
    match headers.get("x-role") or None:
        case None:
            return Caller("customer", subject) if subject else Caller("anonymous")
        case "customer" | "warehouse" as role:
            if subject is None:
                raise Unauthenticated(f"The role {role} needs an x-user-id.")
            return Caller(role, subject)
        case "operator" | "service" as role:
            return Caller(role, subject)
        case _:
            raise Unauthenticated("The x-role header names no role of this platform.")


def admit(caller: Caller, *, method: str, path: str) -> None:
    """Raises `Unauthenticated` or `Forbidden` when ``caller`` may not even try; ownership is checked by the stores."""
    if caller.staff:
        return
    if caller.role == "anonymous":
        public = any(path == prefix or path.startswith(f"{prefix}/") for prefix in PUBLIC_PREFIXES)
        if not (public and method in SAFE_METHODS):
            raise Unauthenticated("This needs a token.")
    elif method not in SAFE_METHODS:
        raise Forbidden(f"The role {caller.role} may only read.")


class Identified:
    """Admits or refuses a request before its body is read, and leaves the `Caller` in the request's state."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/api"):
            caller = caller_of(Headers(scope=scope))
            admit(caller, method=scope["method"], path=scope["path"])
            scope.setdefault("state", {})["caller"] = caller
        await self.app(scope, receive, send)
