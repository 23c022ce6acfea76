"""Ports and environment."""

import pytest

from subgraphs.kit.settings import SERVICES, Settings


def test_the_services_stand_in_a_row_behind_the_monolith() -> None:
    settings = Settings(port_base=9300)
    assert [settings.port_of(name) for name in SERVICES] == list(range(9300, 9308))
    assert SERVICES[0] == "legacy"


def test_a_service_on_its_own_can_have_any_port() -> None:
    assert Settings(port=8080).port_of("orders") == 8080


def test_the_environment_is_read_once_and_cannot_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATAPALO_ENV", "development")
    monkeypatch.setenv("SUBGRAPHS_PORT_BASE", "9100")
    settings = Settings()
    assert settings.development
    assert settings.port_base == 9100
    with pytest.raises(ValueError, match="frozen"):
        settings.port_base = 1
