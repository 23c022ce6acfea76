"""What Envoy is given. That it means what it should is asked of a real Envoy in tests/stack."""

import json
from pathlib import Path
from typing import Any

import pytest

from matapalo.auth.keys import KeysAt
from matapalo.strangler.envoy.policy import policy
from matapalo.strangler.envoy.render import EnvoyFiles, render
from matapalo.strangler.routing.route import Side
from matapalo.strangler.settings import Upstream
from tests.matapalo.strangler.builders import KEYS, a_document, a_route, settings_in

SNAPSHOT = Path(__file__).with_name("policy.snapshot.json")
SHARED = a_route(share_bp=2_500, writes=Side.LEGACY)


def rendered(tmp_path: Path, document=None, keys=KEYS, previous=(), **changes: Any) -> EnvoyFiles:
    return render(document or a_document(), settings_in(tmp_path, **changes), keys, previous=previous)


def cluster(files: EnvoyFiles, name: str) -> Any:
    clusters = json.loads(files.clusters.text)["resources"]
    return next(resource for resource in clusters if resource["name"] == name)


def outline(value: Any) -> Any:
    """The policy without what every branch repeats, so that the snapshot can be read."""
    if isinstance(value, list):
        return [outline(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "action" in value:
        return value["action"]["name"]
    if "input" in value:
        how = value.get("value_match") or value["custom_match"]["typed_config"]
        return {value["input"]["typed_config"]["header_name"]: outline({k: v for k, v in how.items() if k[0] != "@"})}
    return {name: outline(item) for name, item in value.items()}


def test_a_policy_reads_as_the_snapshot() -> None:
    forced = {side: {"asks_for": str(side)} for side in Side}
    assert outline(policy(SHARED, forced=forced)) == json.loads(SNAPSHOT.read_text())


def test_the_same_routes_and_settings_are_the_same_files(tmp_path: Path) -> None:
    assert rendered(tmp_path) == rendered(tmp_path)


def test_a_file_s_version_is_the_document_s_and_a_digest(tmp_path: Path) -> None:
    before, after = rendered(tmp_path, a_document(7)), rendered(tmp_path, a_document(7, SHARED))
    assert before.edge_routes.version.startswith("7-")
    assert before.edge_routes.version != after.edge_routes.version
    assert before.listeners.version == after.listeners.version
    assert json.loads(before.edge_routes.text)["version_info"] == before.edge_routes.version


def test_each_side_of_each_route_has_its_own_cluster(tmp_path: Path) -> None:
    upstreams = {
        **{name: Upstream("127.0.0.1", 1) for name in ("bff-web", "bff-mobile", "bff-iot", "control")},
        "orders": Upstream("orders.internal", 9002),
        "legacy": Upstream("10.0.0.1", 9000),
    }
    files = rendered(tmp_path, upstreams=upstreams)
    new, legacy = cluster(files, "orders.new"), cluster(files, "orders.legacy")

    assert (new["type"], legacy["type"]) == ("STRICT_DNS", "STATIC")
    assert (new["alt_stat_name"], legacy["alt_stat_name"]) == ("orders_new", "orders_legacy")
    for side, resource in (("new", new), ("legacy", legacy)):
        (endpoint,) = resource["load_assignment"]["endpoints"][0]["lb_endpoints"]
        assert endpoint["metadata"] == {"filter_metadata": {"strangler": {"target": side}}}


def test_the_clusters_of_the_version_before_stay(tmp_path: Path) -> None:
    files = rendered(tmp_path, a_document(2, a_route("customers")), previous=[a_route()])
    assert cluster(files, "orders.legacy")
    assert "orders.legacy" not in files.edge_routes.text


def test_the_admin_interface_is_a_socket_for_its_owner(tmp_path: Path) -> None:
    pipe = json.loads(rendered(tmp_path).bootstrap.text)["admin"]["address"]["pipe"]
    assert pipe == {"path": "/tmp/mp-test/admin.sock", "mode": 0o600}


@pytest.mark.parametrize(
    ("url", "port", "tls"), [("https://id.example/keys", 443, True), ("http://id:81/k", 81, False)]
)
def test_keys_of_an_identity_provider_are_fetched_by_envoy(tmp_path: Path, url: str, port: int, tls: bool) -> None:
    files = rendered(tmp_path, keys=KeysAt(url), jwks_url=url, jwks_file=None)
    jwks = cluster(files, "jwks")
    (endpoint,) = jwks["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert endpoint["endpoint"]["address"]["socket_address"]["port_value"] == port
    assert ("transport_socket" in jwks) is tls
    assert f'"uri":"{url}"' in files.listeners.text


def test_logs_go_to_standard_output_unless_a_file_is_named(tmp_path: Path) -> None:
    assert "StdoutAccessLog" in rendered(tmp_path).listeners.text
    named = rendered(tmp_path, access_log=tmp_path / "access.log").listeners.text
    assert f'"path":"{tmp_path / "access.log"}"' in named
