"""Keys as clients send them, and the ids derived from them."""

import pytest

from matapalo.errors import IdempotencyKeyInvalid
from matapalo.idempotency.key import parse_key, record_id

SECRET = "a secret of at least 32 characters"


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ('"8e03978e"', "8e03978e"),
        ('"', '"'),
        ("k" * 255, "k" * 255),
    ],
)
def test_a_key_is_taken_bare_or_in_quotes(header, key):
    assert parse_key(header) == key


@pytest.mark.parametrize("header", ["", '""', "a b", "tab\t", "naïve", "k" * 256, "new\nline"])
def test_a_malformed_key_is_refused(header):
    with pytest.raises(IdempotencyKeyInvalid):
        parse_key(header)


def test_a_record_id_depends_on_all_of_its_parts_and_on_the_secret():
    parts = {"client": "web", "subject": "cust_1", "field": "placeOrder", "key": "k"}
    ids = {record_id(SECRET, **parts)} | {record_id(SECRET, **parts | {name: "other"}) for name in parts}
    ids.add(record_id(SECRET[::-1], **parts))
    assert len(ids) == 6
    assert record_id(SECRET, **parts) == record_id(SECRET, **parts)


def test_parts_cannot_be_shifted_into_each_other():
    one = record_id(SECRET, client="web", subject="a", field="f", key='b","c')
    other = record_id(SECRET, client="web", subject='a","f', field="b", key="c")
    assert one != other
    assert len(one) == 64
