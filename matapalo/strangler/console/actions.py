"""What the console changes: one address a form. Every write passes the same three gates: session, `Origin`, form token.

A script (it sends the token as a header) is answered with JSON `{"message": …}` and shows it next to the button; a
plain form with a redirect to the page, or with the page again and the failure in it. A refusal's status tells its kind.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from matapalo.strangler.console import formatting as figures
from matapalo.strangler.console import forms
from matapalo.strangler.console.forms import Failure, InvalidForm
from matapalo.strangler.console.pages import Console, show_view, trouble
from matapalo.strangler.console.ports import Command, Sources
from matapalo.strangler.console.session import (
    PATH,
    TOKEN_HEADER,
    Session,
    require_form_token,
    require_same_origin,
    session_of,
)
from matapalo.strangler.console.views import DEFAULT_MINUTES, Kind, View
from matapalo.strangler.errors import (
    Forbidden,
    GatewayError,
    InvalidRoutes,
    RolloutNotFound,
    RolloutsUnavailable,
    RouteNotFound,
    StoreUnavailable,
    Unauthenticated,
)
from matapalo.strangler.routing.share import parse_share

Form: TypeAlias = Mapping[str, str]


class Write(Protocol):
    """Of a route's name, the fields and who asks. Returns what has been done, in words."""

    __name__: str

    def __call__(self, name: str, form: Form, session: Session, /) -> Awaitable[str]: ...


_STATUS: Mapping[type[GatewayError], int] = {
    InvalidForm: 422,
    InvalidRoutes: 422,
    RouteNotFound: 404,
    RolloutNotFound: 404,
    Unauthenticated: 401,
    Forbidden: 403,
    StoreUnavailable: 503,
    RolloutsUnavailable: 503,
}
_CONFLICT = 409
_DONE: Mapping[Command, str] = {
    Command.HOLD: "held: the share stays where it is",
    Command.RESUME: "resumed",
    Command.ADVANCE: "advanced to the next step",
    Command.ROLLBACK: "rolled back: everybody is on legacy",
}


class Actions:
    """What each form does. Raises GatewayError with the sentence for the person who sent it."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    async def split(self, name: str, form: Form, session: Session) -> str:
        """Another share, another side for the writes."""
        share_bp, writes, intent = parse_share(form.get("percent", "")), forms.writes(form), forms.intent(form, session)
        revision = forms.version(form, "revision")
        new = await self._sources.routes.set_split(name, share_bp, writes, intent, revision=revision)
        return f"Version {new}: {figures.share(share_bp)} of the users are on the new side."

    async def undo(self, name: str, form: Form, session: Session) -> str:
        """The last change is taken back."""
        intent, revision = forms.intent(form, session), forms.version(form, "revision")
        new = await self._sources.routes.restore(name, None, intent, revision=revision)
        return f"Version {new}: as it was before its last change."

    async def restore(self, name: str, form: Form, session: Session) -> str:
        """As it was at a version."""
        before, intent = forms.version(form, "to_version"), forms.intent(form, session)
        revision = forms.version(form, "revision")
        new = await self._sources.routes.restore(name, before, intent, revision=revision)
        return f"Version {new}: as it was at version {before}."

    async def start(self, name: str, form: Form, session: Session) -> str:
        """A plan begins."""
        plan = form.get("plan", "").strip()
        if not plan:
            raise InvalidForm("write a plan, for example: 5% for 1 day, 25% for 2 days, 100%")
        await self._sources.rollouts.start(name, plan, forms.intent(form, session))
        return "The rollout has started."

    async def rollout(self, name: str, form: Form, session: Session) -> str:
        """A plan is told something."""
        try:
            command = Command(form.get("command", ""))
        except ValueError as error:
            raise InvalidForm("press one of the buttons") from error
        usual = f"{command} at the console" if command in (Command.HOLD, Command.RESUME) else None
        await self._sources.rollouts.tell(name, command, forms.intent(form, session, otherwise=usual))
        return f"The rollout is {_DONE[command]}."

    async def decommission(self, name: str, form: Form, session: Session) -> str:
        """The legacy branch goes."""
        await self._sources.decommission.apply(name, forms.intent(form, session))
        return "The legacy branch is removed."


def routes(console: Console) -> list[BaseRoute]:
    """Everything that is written."""
    actions = Actions(console.sources)
    writes: list[Write] = [
        actions.split,
        actions.undo,
        actions.restore,
        actions.start,
        actions.rollout,
        actions.decommission,
    ]
    return [
        Route(
            f"{PATH}/routes/{{name}}/{write.__name__}",
            _endpoint(console, write),
            methods=["POST"],
            name=f"write {write.__name__}",
        )
        for write in writes
    ]


def _endpoint(console: Console, write: Write) -> Callable[[Request], Awaitable[Response]]:
    name = write.__name__

    async def endpoint(request: Request) -> Response:
        try:
            require_same_origin(request)
            session = await session_of(request, console.verifier)
        except (Unauthenticated, Forbidden) as error:
            return _kept_out(console, request, error)
        fields: Form = {}
        try:
            fields = await forms.read(request)
            require_form_token(request, fields, session)
            message = await write(request.path_params["name"], fields, session)
        except GatewayError as error:
            return await _refused(console, request, session, Failure(_form_id(name, fields), str(error), fields), error)
        finally:
            console.reader.forget()
        if _is_script(request):
            return JSONResponse({"message": message})
        return RedirectResponse(_page(request, f"?done={_form_id(name, fields)}#{name}"), status_code=303)

    return endpoint


def _form_id(name: str, fields: Form) -> str:
    """The id of a form within its page: there is one "restore" a version."""
    return f"{name}-{fields.get('to_version', '')}" if name == "restore" else name


async def _refused(
    console: Console, request: Request, session: Session, failed: Failure, error: GatewayError
) -> Response:
    status = status_of(error)
    if _is_script(request):
        return JSONResponse({"message": failed.sentence}, status_code=status)
    view = View(Kind.ROUTE, request.path_params["name"], DEFAULT_MINUTES)
    try:
        return await show_view(console, request, session, view, failed=failed, status=status)
    except GatewayError:
        return trouble(console, request, session, failed.sentence, status)


def _kept_out(console: Console, request: Request, error: GatewayError) -> Response:
    if _is_script(request):
        return JSONResponse({"message": f"{error} (or sign in again)"}, status_code=status_of(error))
    if isinstance(error, Unauthenticated):
        return RedirectResponse(f"{PATH}/login?next={_page(request)}", status_code=303)
    return trouble(console, request, None, str(error), status_of(error))


def status_of(error: GatewayError) -> int:
    """The HTTP status of a refusal. What is not named is a conflict with the state of things."""
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), _CONFLICT)


def _is_script(request: Request) -> bool:
    return TOKEN_HEADER in request.headers


def _page(request: Request, more: str = "") -> str:
    return f"{PATH}/routes/{request.path_params['name']}{more}"
