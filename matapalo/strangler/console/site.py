"""The console, put together: `matapalo.strangler.control_app` adds its routes to the control plane."""

from starlette.routing import BaseRoute

from matapalo.strangler.caller import TokenVerifier
from matapalo.strangler.console import actions, login, pages
from matapalo.strangler.console.assets import Assets
from matapalo.strangler.console.pages import Console
from matapalo.strangler.console.rendering import Rendering
from matapalo.strangler.console.snapshot import Reader
from matapalo.strangler.console.stream import EVERY_S
from matapalo.strangler.services import Services


def console_routes(services: Services, verifier: TokenVerifier, *, every_s: float = EVERY_S) -> list[BaseRoute]:
    assets = Assets()
    console = Console(
        services=services,
        reader=Reader(services),
        rendering=Rendering(assets, services.clock),
        assets=assets,
        verifier=verifier,
        every_s=every_s,
    )
    return [*login.routes(console), *actions.routes(console), *pages.routes(console)]
