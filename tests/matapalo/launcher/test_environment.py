"""The environment the launcher builds is the one the settings of the other packages read, to the last variable."""

from collections.abc import Mapping

import pytest

from matapalo.launcher import keys
from matapalo.launcher.platform import Platform
from matapalo.launcher.processes import named, table
from matapalo.settings import Settings as BffSettings
from matapalo.settings import unknown_variables
from matapalo.strangler import settings as gateway_settings
from subgraphs.kit.settings import SERVICES
from subgraphs.kit.settings import Settings as SubgraphsSettings
from tests.harness.shop import SHOP, UPSTREAMS

ROWS = table(SHOP)


@pytest.fixture
def shifted(local: Platform) -> Platform:
    """A platform whose ports are not the default ones."""
    return Platform(local.data, 300)


def become(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(("name", "port"), [("web", 8301), ("mobile", 8302)])
def test_a_bff_understands_it(monkeypatch: pytest.MonkeyPatch, shifted: Platform, name: str, port: int) -> None:
    become(monkeypatch, named(ROWS, name).environment(shifted))
    settings = BffSettings()
    assert unknown_variables() == []
    assert settings.is_development
    assert settings.port == port
    assert settings.gateway_url == "http://127.0.0.1:8381"
    assert settings.redis_url == "redis://127.0.0.1:6690/0"
    assert settings.temporal_address == "127.0.0.1:7533"
    assert settings.metrics_port == 8321
    assert settings.jwks_file == keys.jwks_file(shifted.data.keys)
    assert settings.outbox_dir == shifted.data.outbox


def test_the_gateway_understands_it(monkeypatch: pytest.MonkeyPatch, shifted: Platform) -> None:
    become(monkeypatch, named(ROWS, "agent").environment(shifted))
    settings = gateway_settings.load(SHOP)
    assert settings.is_development
    assert (settings.control_port, settings.agent_port) == (8310, 8312)
    assert (settings.edge_port, settings.internal_port) == (8380, 8381)
    assert settings.envoy_dir == shifted.data.envoy
    assert {name: at.port for name, at in settings.upstreams.items()} == {
        name: at.port + 300 for name, at in UPSTREAMS.items()
    }


def test_the_services_understand_it(monkeypatch: pytest.MonkeyPatch, shifted: Platform) -> None:
    become(monkeypatch, named(ROWS, "subgraphs").environment(shifted))
    settings = SubgraphsSettings()
    assert settings.development
    assert settings.database_url == "postgresql+asyncpg://matapalo@127.0.0.1:5739/matapalo"
    assert {name: settings.port_of(name) for name in SERVICES} == {
        name: shifted.port(port)
        for name, port in {row.name: row.address.port for row in SHOP.services.values()}.items()
    }


def test_a_key_address_of_another_environment_is_not_passed_on(
    monkeypatch: pytest.MonkeyPatch, local: Platform
) -> None:
    monkeypatch.setenv("GATEWAY_JWKS_URL", "https://id.example.com/jwks.json")
    monkeypatch.setenv("BFF_HTTP_CLIENT", "httpx")
    passed_on = named(ROWS, "agent").environment(local)
    assert "GATEWAY_JWKS_URL" not in passed_on
    assert passed_on["BFF_HTTP_CLIENT"] == "httpx"


def test_engines_get_no_secret(local: Platform) -> None:
    for row in ROWS:
        if row.engine:
            assert not any("SECRET" in name or "JWKS" in name for name in row.environment(local))
