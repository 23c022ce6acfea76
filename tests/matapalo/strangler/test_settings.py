"""Settings that cannot work stop the process with a sentence."""

import pytest

from matapalo.strangler.errors import InvalidSettings
from matapalo.strangler.settings import Upstream, load
from tests.harness.shop import SHOP

GOOD = {"MATAPALO_ENV": "development", "GATEWAY_JWKS_FILE": "/tmp/jwks.json"}


def loaded(monkeypatch: pytest.MonkeyPatch, **variables: str):
    for name, value in {**GOOD, **variables}.items():
        monkeypatch.setenv(name, value)
    return load(SHOP)


def test_the_defaults_are_the_development_ports(monkeypatch):
    settings = loaded(monkeypatch)
    assert (settings.edge_port, settings.internal_port, settings.control_port, settings.agent_port) == (
        *(8080, 8081),
        *(8010, 8012),
    )
    assert settings.upstreams["orders"] == Upstream("127.0.0.1", 9002)
    assert settings.routes_file.is_file()


def test_upstreams_are_read_from_json(monkeypatch):
    text = (
        '{"legacy":"legacy:9000","orders":"[::1]:1","bff-web":"a:1","bff-mobile":"b:1","bff-iot":"d:1","control":"c:1"}'
    )
    upstreams = loaded(monkeypatch, GATEWAY_UPSTREAMS=text).upstreams
    assert upstreams["legacy"] == Upstream("legacy", 9000)
    assert upstreams["orders"] == Upstream("::1", 1)


def test_an_empty_variable_is_an_unset_one(monkeypatch):
    assert loaded(monkeypatch, GATEWAY_JWKS_URL="").jwks_url is None


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"GATEWAY_EGDE_PORT": "1"}, "GATEWAY_EGDE_PORT is no setting of the gateway: correct or unset it"),
        ({"MATAPALO_ENV": "production"}, "GATEWAY_JWT_ISSUER is 'matapalo-dev', the development issuer"),
        ({"MATAPALO_ENV": "staging"}, "MATAPALO_ENV: Input should be 'development' or 'production' (got 'staging')"),
        ({"GATEWAY_JWKS_URL": "https://id/keys"}, "keys to verify tokens with come from one place"),
        ({"GATEWAY_JWKS_FILE": ""}, "keys to verify tokens with come from one place"),
        ({"GATEWAY_JWKS_FILE": "", "GATEWAY_JWKS_URL": "id/keys"}, "GATEWAY_JWKS_URL is 'id/keys': give an http://"),
        ({"GATEWAY_ADMIN_SOCKET": "/" + "x" * 100}, "longer than 100 bytes"),
        ({"GATEWAY_EDGE_PORT": "99999"}, "GATEWAY_EDGE_PORT: Input should be less than or equal to 65535"),
        ({"GATEWAY_UPSTREAMS": '{"legacy"'}, "GATEWAY_UPSTREAMS is no JSON"),
        (
            {"GATEWAY_UPSTREAMS": '{"legacy": "x"}'},
            "GATEWAY_UPSTREAMS['legacy']: 'x' is not an address: write host:port",
        ),
        ({"GATEWAY_UPSTREAMS": '{"legacy": "x:1"}'}, "does not say where bff-web, bff-mobile, bff-iot, control listen"),
        ({"GATEWAY_NODE_ID": "a b"}, "GATEWAY_NODE_ID: String should match pattern"),
    ],
)
def test_what_cannot_work_is_one_sentence(monkeypatch, variables, sentence):
    with pytest.raises(InvalidSettings) as raised:
        loaded(monkeypatch, **variables)
    (problem,) = raised.value.problems
    assert sentence in problem
