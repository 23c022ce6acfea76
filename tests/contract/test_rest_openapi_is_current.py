"""`schema/rest/*.openapi.json` is what the services say about themselves today."""

import orjson
import pytest

from subgraphs.contracts import FOLDER, RESOURCES, contract_of, path_of


@pytest.mark.parametrize("resource", RESOURCES)
def test_the_committed_contract_is_the_one_the_service_generates(resource: str) -> None:
    assert path_of(resource).read_bytes() == contract_of(resource), "run `python -m subgraphs openapi`"


def test_there_is_no_contract_without_a_service() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{resource}.openapi.json" for resource in RESOURCES}


@pytest.mark.parametrize("resource", RESOURCES)
def test_every_operation_has_an_id_a_summary_and_problem_answers(resource: str) -> None:
    for path, operations in orjson.loads(path_of(resource).read_bytes())["paths"].items():
        for method, operation in operations.items():
            assert operation["operationId"], (method, path)
            assert operation["description"], (method, path)
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"], (method, path, status)
