"""Redis killed, emptied, restarted: traffic flows, Envoy restarts, and what was live comes back."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from msgspec import structs

from matapalo.launcher.engines import valkey
from matapalo.strangler.routing.change import Change
from matapalo.strangler.routing.decide import takes_new_side
from tests.harness.engines import responds_to_ping, running
from tests.harness.eventually import eventually_sync
from tests.harness.ports import free_port
from tests.matapalo.strangler.envoy_harness import EnvoyHarness, running_envoy
from tests.matapalo.strangler.processes import Gateway, a_gateway

pytestmark = pytest.mark.stack

USERS = [f"cust_{number:04}" for number in range(1, 41)]


class Redis:
    """A Valkey of this module alone, which may be killed."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process = ExitStack()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = valkey.command(port=self.port, data_dir=self._folder)
        child = self._process.enter_context(running(command, log=self._folder / "log"))
        eventually_sync(lambda: child.poll() is None and responds_to_ping(self.port), message="Valkey starts")

    def kill(self) -> None:
        self._process.close()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    redis = Redis(tmp_path_factory.mktemp("valkey"))
    redis.start()
    yield redis
    redis.kill()


@pytest.fixture(scope="module")
def gateway(redis: Redis) -> Iterator[Gateway]:
    with a_gateway(redis.url) as gateway:
        eventually_sync(gateway.stored, message="the store has routes")
        gateway.start_control()
        yield gateway


def set_share(gateway: Gateway, share_bp: int) -> Change:
    """Change the share; it is live on return."""
    change = gateway.changes(
        lambda changes: changes.set_route("orders", {"share_bp": share_bp}, by="op_1", why="a test")
    )
    gateway.until_live(change.version)
    return change


def on_new(envoy: EnvoyHarness) -> set[str]:
    return {user for user in USERS if envoy.internal.get("/api/orders", {"x-user-id": user}).target == "new"}


def expected(share_bp: int) -> set[str]:
    return {user for user in USERS if takes_new_side(user, seed=2, share_bp=share_bp)}


def test_without_redis_traffic_flows_and_changes_are_refused(gateway: Gateway, redis: Redis) -> None:
    with running_envoy(gateway.settings) as envoy:
        change = set_share(gateway, 4_000)
        redis.kill()
        assert on_new(envoy) == expected(4_000)
        refused = gateway.admin("PATCH", "/routes/orders", {"share_bp": 1, "why": "a test"}, **{"if-match": "*"})
        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["detail"].startswith("Redis does not answer")
    with running_envoy(gateway.settings) as envoy:
        assert on_new(envoy) == expected(4_000)
        report = eventually_sync(
            lambda: (report := gateway.agent()) and report["store"] != "ok" and report, message="the agent reports it"
        )
        assert (report["version"], report["ready"]) == (change.version, True)

        redis.start()
        again = eventually_sync(lambda: gateway.stored(), message="Redis is back")
        assert again is not None
        assert again.version == change.version
        eventually_sync(lambda: gateway.agent()["store"] == "ok", message="the agent has seen it")
        response = gateway.admin("PATCH", "/routes/orders", {"share_bp": 6_000, "why": "on"}, **{"if-match": "*"})
        assert response.status_code == 200
        gateway.until_live(response.json()["version"])
        assert on_new(envoy) == expected(6_000)


def test_an_emptied_store_resumes_with_its_history(gateway: Gateway, redis: Redis) -> None:
    with running_envoy(gateway.settings) as envoy:
        for share_bp in (1_000, 2_000):
            change = set_share(gateway, share_bp)
        history = gateway.admin("GET", "/history").json()["changes"]
        before = gateway.stored()
        saved = gateway.settings.envoy_dir / "history.json"
        eventually_sync(
            lambda: saved.exists() and f'"version":{change.version}' in saved.read_text(),
            message="the agent has saved the history",
        )
        gateway.flush()
        assert eventually_sync(gateway.stored, message="the store is filled again") == before
        assert gateway.admin("GET", "/history").json()["changes"] == history
        assert on_new(envoy) == expected(2_000)

        rolled_back = gateway.admin("POST", "/strangler/rollback", {"path": "/api/orders"})
        assert rolled_back.json()["changes"] == {"share_bp": [2_000, 1_000]}
        gateway.until_live(rolled_back.json()["version"])
        nodes = gateway.admin("GET", "/nodes").json()
        assert nodes["version"] == nodes["highest_applied"] == rolled_back.json()["version"]


def test_a_fresh_agent_s_seed_never_replaces_what_was_live(gateway: Gateway) -> None:
    live = gateway.stored()
    assert live is not None
    gateway.flush()
    newcomer = structs.replace(live, version=1)
    gateway.with_store(lambda store: store.offer(newcomer))
    eventually_sync(lambda: gateway.stored() == live, message="the older node's version wins")
