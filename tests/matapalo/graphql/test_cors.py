"""Origins are compared whole; this machine's ports are for development only; a WebSocket asks the origin."""

import pytest

from matapalo.graphql.cors import Cors

EXACT = Cors(["https://shop.example"], local=False)
LOCAL = Cors(["https://shop.example"], local=True)


@pytest.mark.parametrize(
    ("origin", "in_production", "in_development"),
    [
        ("https://shop.example", True, True),
        ("https://shop.example:8443", False, False),
        ("http://shop.example", False, False),
        ("https://shop.example.evil", False, False),
        ("https://evil.shop.example", False, False),
        ("null", False, False),
        ("*", False, False),
        ("http://localhost:5173", False, True),
        ("http://localhost", False, True),
        ("http://127.0.0.1:3000", False, True),
        ("https://localhost:5173", False, False),
        ("http://localhost.evil:5173", False, False),
        ("http://localhost:5173/path", False, False),
    ],
)
def test_only_whole_origins_are_allowed(origin: str, in_production: bool, in_development: bool) -> None:
    assert EXACT.allows(origin) is in_production
    assert LOCAL.allows(origin) is in_development


@pytest.mark.parametrize(
    ("origin", "host", "welcome"),
    [
        (None, "bff:8001", True),
        ("https://shop.example", "bff:8001", True),
        ("http://127.0.0.1:8080", "127.0.0.1:8080", True),
        ("http://127.0.0.1:8080", "127.0.0.1:8081", False),
        ("https://evil.example", "bff:8001", False),
        ("null", "bff:8001", False),
        ("https://evil.example", None, False),
    ],
)
def test_a_websocket_may_come_from_an_allowed_origin_or_our_own(
    origin: str | None, host: str | None, welcome: bool
) -> None:
    assert EXACT.may_connect(origin, host) is welcome


def test_nothing_is_said_about_a_foreign_origin() -> None:
    assert EXACT.headers(b"https://evil.example") == []
    assert EXACT.preflight(b"https://evil.example") == []
    assert EXACT.headers(None) == []
