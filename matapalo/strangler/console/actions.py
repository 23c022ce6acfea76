"""What the console changes: one address a form. Every write passes three checks: session, `Origin`, form token.

A script (it sends the token as a header) gets JSON `{"message": …}` and shows it next to the button; a plain form a
redirect to the page, or the page again with the failure in it. A refusal's status tells its kind.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from matapalo.strangler.console import formatting, forms
from matapalo.strangler.console.content import DEFAULT_MINUTES, Page, PageKind
from matapalo.strangler.console.forms import Failure, InvalidForm
from matapalo.strangler.console.pages import Console, error_page, show_page
from matapalo.strangler.console.session import (
    PATH,
    TOKEN_HEADER,
    Session,
    require_form_token,
    require_same_origin,
    session_of,
)
from matapalo.strangler.errors import (
    Forbidden,
    GatewayError,
    InvalidRoutes,
    RedisUnavailable,
    RolloutNotFound,
    RolloutsUnavailable,
    RouteNotFound,
    Unauthenticated,
)
from matapalo.strangler.rollout.client import Command
from matapalo.strangler.routing.share import parse_share
from matapalo.strangler.services import Services

Form: TypeAlias = Mapping[str, str]
Write: TypeAlias = Callable[[str, Form, str], Awaitable[str]]
"""Of a route's name, the fields and the operator. Returns what has been done, in words."""

_STATUS: Mapping[type[GatewayError], int] = {
    InvalidForm: 422,
    InvalidRoutes: 422,
    RouteNotFound: 404,
    RolloutNotFound: 404,
    Unauthenticated: 401,
    Forbidden: 403,
    RedisUnavailable: 503,
    RolloutsUnavailable: 503,
}
_CONFLICT = 409
_DONE: Mapping[Command, str] = {
    Command.HOLD: "held: the share stays where it is",
    Command.RESUME: "resumed",
    Command.ADVANCE: "advanced to the next step",
    Command.ROLLBACK: "rolled back: all users are on legacy",
}


class Actions:
    """What each form does. Raises GatewayError with the sentence for the operator who sent it."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def set_split(self, name: str, form: Form, operator: str) -> str:
        fields = {"share_bp": parse_share(form.get("percent", "")), "writes": forms.writes(form)}
        reason, revision = forms.reason(form), forms.version(form, "revision")
        change = await self._services.changes.set_route(name, fields, by=operator, why=reason, expected=revision)
        return f"Version {change.version}: {formatting.share(change.after.share_bp)} of the users are on the new side."

    async def roll_back(self, name: str, form: Form, operator: str) -> str:
        reason, revision = forms.reason(form), forms.version(form, "revision")
        change = await self._services.changes.rollback(name, by=operator, why=reason, expected=revision)
        return f"Version {change.version}: as it was before its last change."

    async def restore(self, name: str, form: Form, operator: str) -> str:
        to, reason, revision = forms.version(form, "to_version"), forms.reason(form), forms.version(form, "revision")
        change = await self._services.changes.rollback(name, by=operator, why=reason, to=to, expected=revision)
        return f"Version {change.version}: as it was at version {to}."

    async def start_rollout(self, name: str, form: Form, operator: str) -> str:
        plan = form.get("plan", "").strip()
        if not plan:
            raise InvalidForm("write a plan, for example: 5% for 1 day, 25% for 2 days, 100%")
        await self._services.rollouts.start(name, plan, by=operator, why=forms.reason(form))
        return "The rollout has started."

    async def command_rollout(self, name: str, form: Form, operator: str) -> str:
        try:
            command = Command(form.get("command", ""))
        except ValueError as error:
            raise InvalidForm("press one of the buttons") from error
        default = f"{command} at the console" if command in (Command.HOLD, Command.RESUME) else None
        await self._services.rollouts.send(name, command, by=operator, why=forms.reason(form, default=default))
        return f"The rollout is {_DONE[command]}."

    async def decommission(self, name: str, form: Form, operator: str) -> str:
        await self._services.decommission.apply(name, by=operator, why=forms.reason(form))
        return "The legacy branch is removed."


def routes(console: Console) -> list[BaseRoute]:
    """Everything that is written: each form is sent to its own name below the route's page."""
    actions = Actions(console.services)
    writes_by_form: Mapping[str, Write] = {
        "split": actions.set_split,
        "rollback": actions.roll_back,
        "restore": actions.restore,
        "start": actions.start_rollout,
        "rollout": actions.command_rollout,
        "decommission": actions.decommission,
    }
    return [
        Route(f"{PATH}/routes/{{name}}/{form}", _endpoint(console, form, write), methods=["POST"], name=f"write {form}")
        for form, write in writes_by_form.items()
    ]


def _endpoint(console: Console, form: str, write: Write) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            require_same_origin(request)
            session = await session_of(request, console.verifier)
        except (Unauthenticated, Forbidden) as error:
            return _denied(console, request, error)
        fields: Form = {}
        try:
            fields = await forms.read(request)
            require_form_token(request, fields, session)
            message = await write(request.path_params["name"], fields, session.operator)
        except GatewayError as error:
            return await _refused(console, request, session, Failure(_form_id(form, fields), str(error), fields), error)
        finally:
            console.reader.forget()
        if _is_script(request):
            return JSONResponse({"message": message})
        return RedirectResponse(_address(request, f"?done={_form_id(form, fields)}#{form}"), status_code=303)

    return endpoint


def _form_id(form: str, fields: Form) -> str:
    """The id of a form within its page: there is one "restore" a version."""
    return f"{form}-{fields.get('to_version', '')}" if form == "restore" else form


async def _refused(
    console: Console, request: Request, session: Session, failed: Failure, error: GatewayError
) -> Response:
    status = status_of(error)
    if _is_script(request):
        return JSONResponse({"message": failed.sentence}, status_code=status)
    page = Page(PageKind.ROUTE, request.path_params["name"], DEFAULT_MINUTES)
    try:
        return await show_page(console, request, session, page, failed=failed, status=status)
    except GatewayError:
        return error_page(console, request, session, failed.sentence, status)


def _denied(console: Console, request: Request, error: GatewayError) -> Response:
    if _is_script(request):
        return JSONResponse({"message": f"{error} (or sign in again)"}, status_code=status_of(error))
    if isinstance(error, Unauthenticated):
        return RedirectResponse(f"{PATH}/login?next={_address(request)}", status_code=303)
    return error_page(console, request, None, str(error), status_of(error))


def status_of(error: GatewayError) -> int:
    """The HTTP status of a refusal. What is not named is a conflict with the state of things."""
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), _CONFLICT)


def _is_script(request: Request) -> bool:
    return TOKEN_HEADER in request.headers


def _address(request: Request, more: str = "") -> str:
    return f"{PATH}/routes/{request.path_params['name']}{more}"
