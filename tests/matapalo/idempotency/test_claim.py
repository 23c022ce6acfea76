"""The ids derived from an idempotency key."""

from matapalo.idempotency.claim import record_id

SECRET = "a secret of at least 32 characters"


def test_a_record_id_depends_on_all_its_parts_and_the_secret():
    parts = {"client": "web", "subject": "cust_1", "field": "placeOrder", "key": "k"}
    ids = {record_id(SECRET, **parts)} | {record_id(SECRET, **parts | {name: "other"}) for name in parts}
    ids.add(record_id(SECRET[::-1], **parts))
    assert len(ids) == 6
    assert record_id(SECRET, **parts) == record_id(SECRET, **parts)


def test_parts_cannot_be_shifted_into_each_other():
    first = record_id(SECRET, client="web", subject="a", field="f", key='b","c')
    other = record_id(SECRET, client="web", subject='a","f', field="b", key="c")
    assert first != other
    assert len(first) == 64
