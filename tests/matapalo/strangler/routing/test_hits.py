"""Counting the lines of Envoy's log of legacy hits."""

from matapalo.strangler.routing.hits import Hits, LegacyCaller, count_hits, total

LINE = b'{"agent":null,"client":"erp","method":"GET","ms":"1000","route":"orders:legacy:share","version":"1.2"}'
ERP = LegacyCaller("erp", "1.2")


def test_requests_add_up_by_route_and_caller():
    later = LINE.replace(b'"1000"', b'"3000"').replace(b"GET", b"POST")
    fallback = LINE.replace(b"legacy:share", b"new:share")
    other = LINE.replace(b"orders", b"products").replace(b'"erp"', b"null")
    assert count_hits([LINE, later, fallback, other]) == {
        "orders": {ERP: Hits(3, 1_000, 3_000, fallbacks=1, writes=1)},
        "products": {LegacyCaller("", "1.2"): Hits(1, 1_000, 1_000)},
    }


def test_malformed_lines_are_left_out():
    strange = (b"", b"[]", b"{", b'{"ms": 3}', LINE.replace(b'"1000"', b'"x"'), LINE.replace(b":legacy:share", b""))
    assert count_hits(strange) == {}


def test_the_total_of_no_caller_is_none():
    assert total({}) is None
    assert total({ERP: Hits(1, 5, 6), LegacyCaller(): Hits(2, 3, 4)}) == Hits(3, 3, 6)
