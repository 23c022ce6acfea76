"""The fingerprint of a request: equal when two requests mean the same."""

from subgraphs.kit.idempotency import fingerprint

PATH = "/api/payments/refunds"


def test_spacing_and_order_of_members_do_not_matter() -> None:
    assert fingerprint(PATH, b'{"a": 1, "b": [1, 2]}') == fingerprint(PATH, b'{"b":[1,2],"a":1}')


def test_values_the_order_of_lists_and_the_path_do() -> None:
    same = fingerprint(PATH, b'{"a":[1,2]}')
    assert fingerprint(PATH, b'{"a":[2,1]}') != same
    assert fingerprint(PATH, b'{"a":["1","2"]}') != same
    assert fingerprint("/api/orders/ord_1/cancel", b'{"a":[1,2]}') != same


def test_no_body_is_a_request_like_any_other() -> None:
    assert fingerprint(PATH, b"") == fingerprint(PATH, b"null") != fingerprint(PATH, b"{}")
