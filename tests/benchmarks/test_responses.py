"""`benchmarks.responses`: equal data pass, anything else stops the benchmark and says where."""

import orjson
import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.responses import data_of, differences, require_equal


def response(data: object, **envelope: object) -> bytes:
    return orjson.dumps({"data": data, **envelope})


def test_the_order_of_keys_and_the_envelope_do_not_matter() -> None:
    require_equal("home", {"ours": response({"a": 1, "b": 2}), "naive": b' {"extensions": {}, "data": {"b":2, "a":1}}'})


def test_a_difference_is_named_with_its_place() -> None:
    ours = response({"orders": [{"total": "€1.00"}, {"total": "€2.00"}]})
    naive = response({"orders": [{"total": "€1.00"}, {"total": "€2"}]})

    with pytest.raises(BenchmarkError, match="dashboard: naive does not respond as ours") as raised:
        require_equal("dashboard", {"ours": ours, "handwritten": ours, "naive": naive})
    assert str(raised.value).endswith('data.orders[1].total is "€2" and should be "€2.00"')


@pytest.mark.parametrize(
    ("value", "other", "sentence"),
    [
        ({"a": 1}, {}, "data.a should not be there"),
        ({}, {"a": 1}, "data.a is missing"),
        ([1], [1, 2], "data is [1] and should be [1,2]"),
        (1, 1.0, "data is 1 and should be 1.0"),
        (True, 1, "data is true and should be 1"),
        (None, {"a": 1}, 'data is null and should be {"a":1}'),
    ],
)
def test_json_values_are_told_apart(value, other, sentence) -> None:
    assert list(differences(value, other, "data")) == [sentence]


def test_equal_values_have_no_differences() -> None:
    assert list(differences({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}, "data")) == []


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (response({"a": None}, errors=[{"message": "no"}]), "home: ours responds with errors: .*no"),
        (response(None), "home: ours responds without data"),
        (response({}), "home: ours responds without data"),
    ],
)
def test_a_response_with_errors_or_without_data_is_refused(body, sentence) -> None:
    with pytest.raises(BenchmarkError, match=sentence):
        data_of("home: ours", body)
