"""The example shop's project, copies of it that a test may change, and its BFFs over a fake network."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from matapalo.app import Bff, create_app
from matapalo.process.clock import SystemClock
from matapalo.project.reader import load
from matapalo.settings import Settings
from matapalo.strangler.settings import Upstream, of_the_project
from tests.harness.limits import MemoryStore
from tests.harness.tokens import jwks

ROOT = Path(__file__).parents[2]
SHOP = load(ROOT / "matapalo.toml")
UPSTREAMS: Mapping[str, Upstream] = of_the_project(SHOP)["upstreams"]


def copy_of_the_shop(folder: Path, **replaced: str) -> Path:
    """The shop's `matapalo.toml` in ``folder``, some of its text replaced: the path for ``MATAPALO_PROJECT``."""
    text = SHOP.file.read_text()
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "matapalo.toml").write_text(text)
    return folder / "matapalo.toml"


@asynccontextmanager
async def bff_of(client: str, folder: Path, transport: httpx.AsyncBaseTransport) -> AsyncIterator[Bff]:
    """A client's BFF in development, with ``transport`` for the network; limits and keys are counted in memory."""
    keys = folder / "jwks.json"
    keys.write_text(json.dumps(jwks()))
    settings = Settings(
        environment="development",
        jwks_file=keys,
        secrets=("s" * 32,),
        redis_url="redis://127.0.0.1:1/0",
        temporal_address="127.0.0.1:1",
    )
    store = MemoryStore(SystemClock())
    bff = create_app(settings, SHOP, SHOP.clients[client], transport=transport, limits_store=store)
    async with bff.router.lifespan_context(bff):
        yield bff
