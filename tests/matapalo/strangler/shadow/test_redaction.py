"""What of a response may be kept."""

from matapalo.strangler.shadow.difference import SideResponse
from matapalo.strangler.shadow.redaction import redacted


def test_only_listed_fields_are_kept() -> None:
    body = {
        "id": "ord_1",
        "email": "a@example.com",
        "items": [{"total": 5, "note": None, "paid": True, "count": 2}] * 5,
    }
    assert redacted(SideResponse(200, body), keep={"$.id", "$.items[*].total"}) == {
        "status": 200,
        "body": {
            "id": "ord_1",
            "email": "(text)",
            "items": [{"total": 5, "note": "(null)", "paid": "(true or false)", "count": "(number)"}] * 3
            + ["(2 more)"],
        },
    }
    assert redacted(SideResponse(200, b"secret"), keep={"$"}) == {"status": 200, "body": "(6 bytes)"}
