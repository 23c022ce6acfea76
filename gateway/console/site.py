"""The console, put together: `gateway.app` adds its routes to the control plane."""

from starlette.routing import BaseRoute

from gateway.auth.tokens import TokenVerifier
from gateway.clock import Clock
from gateway.console import actions, entrance, pages
from gateway.console.assets import Assets
from gateway.console.codes import Codes
from gateway.console.pages import Console
from gateway.console.ports import Sources
from gateway.console.rendering import Rendering
from gateway.console.snapshot import Reader
from gateway.console.stream import EVERY_S


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
