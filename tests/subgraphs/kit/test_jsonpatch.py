"""JSON Patch, by the examples of RFC 6902, appendix A."""

from typing import Any

import pytest

from subgraphs.kit.jsonpatch import Operation, PatchFailed, apply


def patched(document: Any, *operations: dict[str, Any]) -> Any:
    return apply(document, [Operation.model_validate(operation) for operation in operations])


@pytest.mark.parametrize(
    ("document", "operation", "expected"),
    [
        ({"foo": "bar"}, {"op": "add", "path": "/baz", "value": "qux"}, {"foo": "bar", "baz": "qux"}),
        ({"foo": [1, 3]}, {"op": "add", "path": "/foo/1", "value": 2}, {"foo": [1, 2, 3]}),
        ({"foo": [1]}, {"op": "add", "path": "/foo/-", "value": [2]}, {"foo": [1, [2]]}),
        ({"foo": 1, "baz": 2}, {"op": "remove", "path": "/baz"}, {"foo": 1}),
        ({"foo": [1, 2, 3]}, {"op": "remove", "path": "/foo/1"}, {"foo": [1, 3]}),
        ({"foo": 1}, {"op": "replace", "path": "/foo", "value": None}, {"foo": None}),
        ({"foo": [1, 2]}, {"op": "replace", "path": "/foo/0", "value": 9}, {"foo": [9, 2]}),
        ({"a": {"b": 1}, "c": {}}, {"op": "move", "from": "/a/b", "path": "/c/d"}, {"a": {}, "c": {"d": 1}}),
        ({"a": [1]}, {"op": "copy", "from": "/a", "path": "/b"}, {"a": [1], "b": [1]}),
        ({"a/b": 1, "m~n": 2}, {"op": "remove", "path": "/a~1b"}, {"m~n": 2}),
        ({"a": 1}, {"op": "test", "path": "/a", "value": 1}, {"a": 1}),
        ({"a": 1}, {"op": "replace", "path": "", "value": []}, []),
    ],
)
def test_each_operation_does_what_the_rfc_says(document: Any, operation: dict[str, Any], expected: Any) -> None:
    assert patched(document, operation) == expected


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/missing"},
        {"op": "replace", "path": "/missing", "value": 1},
        {"op": "add", "path": "/missing/deeper", "value": 1},
        {"op": "add", "path": "/list/9", "value": 1},
        {"op": "add", "path": "/text/0", "value": 1},
        {"op": "test", "path": "/text", "value": "other"},
    ],
)
def test_a_patch_that_does_not_fit_fails(operation: dict[str, Any]) -> None:
    with pytest.raises(PatchFailed):
        patched({"list": [1], "text": "words"}, operation)


def test_the_document_given_is_never_changed() -> None:
    document = {"foo": [1]}
    patched(document, {"op": "add", "path": "/foo/-", "value": 2})
    assert document == {"foo": [1]}
