"""The subject whose limits apply: that of the verified token, else the address that the edge vouches for. Pure.

An IPv6 customer owns a whole /64, so that is what counts as one address; an IPv4 address written as IPv6 is the IPv4
address. Subjects carry their name space: an address is never taken for a customer's id.
Source: RFC 4291 §2.5.4 (/64), §2.5.5.2 (mapped addresses).
"""

from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address

from matapalo.auth.viewer import Viewer


def subject_of(viewer: Viewer, client_ip: str) -> str:
    """The key of a viewer's limits."""
    return f"ip:{address_of(client_ip)}" if viewer.subject is None else f"user:{viewer.subject}"


@lru_cache(maxsize=10_000)
def address_of(client_ip: str) -> str:
    """What counts as one address; what is none (a UNIX socket's peer) is taken as it is."""
    try:
        address = ip_address(client_ip)
    except ValueError:
        return client_ip
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), 64), strict=False))
