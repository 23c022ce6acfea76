"""The console, put together: `matapalo.strangler.app` adds its routes to the control plane."""

from starlette.routing import BaseRoute

from matapalo.auth.verifier import TokenVerifier
from matapalo.process.clock import Clock
from matapalo.strangler.console import actions, pages
from matapalo.strangler.console import login as entrance
from matapalo.strangler.console.assets import Assets
from matapalo.strangler.console.login_codes import Codes
from matapalo.strangler.console.pages import Console
from matapalo.strangler.console.ports import Sources
from matapalo.strangler.console.rendering import Rendering
from matapalo.strangler.console.snapshot import Reader
from matapalo.strangler.console.stream import EVERY_S


def console_routes(
    sources: Sources, *, codes: Codes, verifier: TokenVerifier, clock: Clock, every_s: float = EVERY_S
) -> list[BaseRoute]:
    """Every address below `/console`."""
    assets = Assets()
    console = Console(
        sources=sources,
        reader=Reader(sources, clock),
        rendering=Rendering(assets, clock),
        assets=assets,
        verifier=verifier,
        codes=codes,
        every_s=every_s,
    )
    return [*entrance.routes(console), *actions.routes(console), *pages.routes(console)]
