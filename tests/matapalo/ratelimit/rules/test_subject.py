"""The subject whose limits apply to a request."""

import pytest

from matapalo.auth.viewer import ANONYMOUS, Viewer
from matapalo.ratelimit.rules.subject import subject_of


@pytest.mark.parametrize(
    ("client_ip", "subject"),
    [
        ("203.0.113.9", "ip:203.0.113.9"),
        ("::ffff:203.0.113.9", "ip:203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "ip:2001:db8:1:2::/64"),
        ("2001:DB8:1:2::1", "ip:2001:db8:1:2::/64"),
        ("::1", "ip:::/64"),
        ("unknown", "ip:unknown"),
    ],
)
def test_an_anonymous_viewer_is_an_address(client_ip: str, subject: str) -> None:
    assert subject_of(ANONYMOUS, client_ip) == subject


def test_an_id_that_looks_like_an_address_is_no_address() -> None:
    assert subject_of(Viewer("203.0.113.9"), "203.0.113.9") == "user:203.0.113.9"
