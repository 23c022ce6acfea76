"""Pages: templates, what every one of them may use, and the headers they are sent with.

The policy allows our own scripts and style sheets and nothing else: no inline style, no inline script, no other origin,
and no script may turn text into HTML (Trusted Types without any policy).
"""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from matapalo.process.clock import Clock
from matapalo.strangler.console import formatting, presenters
from matapalo.strangler.console.assets import Assets
from matapalo.strangler.console.content import RANGES
from matapalo.strangler.console.line_diff import pair
from matapalo.strangler.console.session import Session

TEMPLATES = Path(__file__).parent / "templates"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "same-origin",  # "no-referrer" would make browsers send `Origin: null` with our own forms
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
THEMES = ("light", "dark")
THEME_COOKIE = "matapalo_console_theme"


class Rendering:
    def __init__(self, assets: Assets, clock: Clock) -> None:
        self._clock = clock
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals |= {
            "asset": assets.address,
            "formatting": formatting,
            "presenters": presenters,
            "ranges": RANGES,
            "pair": pair,
        }
        self._templates.globals["m"] = self._templates.get_template("macros.html").module

    def page(
        self, request: Request, template: str, session: Session | None, *, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """A page. ``values`` are the template's own."""
        theme = request.cookies.get(THEME_COOKIE)
        text = self._templates.get_template(template).render(
            session=session,
            theme=theme if theme in THEMES else None,
            path=request.url.path,
            now=self._clock.now(),
            **values,
        )
        return HTMLResponse(text, status_code=status, headers=HEADERS)
