"""Every error is a problem document, and one document alone."""

import pytest

from subgraphs.kit import problem as problems
from subgraphs.kit.problem import InvalidParameter, NotFound, OutOfStock, Problem, body_of


def test_a_problem_says_what_where_and_why() -> None:
    assert body_of(NotFound("There is no order ord_9."), "/api/orders/ord_9") == {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is no order ord_9.",
        "instance": "/api/orders/ord_9",
    }


def test_extension_members_stand_beside_the_others() -> None:
    problem = OutOfStock("None left.", extensions={"shortages": [1]})
    assert body_of(problem, "/")["shortages"] == [1]


def test_a_wrong_value_is_repeated_but_never_at_length() -> None:
    assert InvalidParameter.field("limit", "x" * 999, "too long").errors[0]["value"] == "x" * 200
    assert InvalidParameter.field("limit", 10**40, "too big").errors[0]["value"] == "1" + "0" * 40
    assert InvalidParameter.field("name", "\ud800", "no text").errors[0]["value"] == "?"


def test_slugs_are_unique_and_the_docstrings_tree_is_complete() -> None:
    classes = Problem.__subclasses__()
    assert len({cls.slug for cls in classes}) == len(classes)
    for cls in classes:
        assert f"- {cls.__name__}" in (problems.__doc__ or "")
        assert str(cls.status) in (problems.__doc__ or "")


@pytest.mark.parametrize("cls", Problem.__subclasses__())
def test_a_problem_is_a_client_error_or_a_server_error(cls: type[Problem]) -> None:
    assert 400 <= cls.status < 600
