"""The requests of `matapalo traffic`, and what is counted of them."""

from pathlib import Path

import pytest

from matapalo.cli.load import Totals, read
from matapalo.launcher.errors import BadInput
from tests.harness.shop import SHOP


def test_the_shops_traffic_is_rest_and_graphql_of_its_clients() -> None:
    assert SHOP.project.traffic is not None
    mix = read(SHOP.project.traffic)
    assert sum(request.weight for request in mix.requests) == 100
    assert {request.path.split("?")[0].split("/")[1] for request in mix.requests} == {"api", "web", "mobile"}


def test_a_mix_of_an_undeclared_client_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "traffic.toml"
    file.write_text(
        'subject = "user"\nclients = {}\nvalues.user = { format = "u{}", count = 1 }\n'
        '[[requests]]\nname = "orders"\nweight = 1\npath = "/api/orders"\nclient = "shop"\n'
    )
    with pytest.raises(BadInput, match=r"request orders is of client 'shop': add \[clients.shop\]"):
        read(file)


def test_quantiles_are_those_of_all_requests() -> None:
    totals = Totals(latencies_ms=[float(n) for n in range(1, 101)])
    assert (totals.quantile_ms(0.5), totals.quantile_ms(0.99), totals.total) == (51, 100, 100)
    assert Totals().as_json()["p99_ms"] == 0
