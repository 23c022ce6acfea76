"""Which carrier takes an order, and the number on the parcel. Pure; stands in for the carriers' booking systems."""

from typing import NamedTuple

from xxhash import xxh64_intdigest

from subgraphs.migrations.vocabulary import CARRIERS


class Label(NamedTuple):
    """What is printed on the parcel."""

    carrier: str
    tracking_number: str
    tracking_url: str


def label_for(order_id: str) -> Label:
    """The label of an order: always the same one, so that printing it twice is harmless."""
    number = xxh64_intdigest(order_id.encode())
    carrier = CARRIERS[number % len(CARRIERS)]
    tracking = f"{carrier.prefix}{10**10 + number % (9 * 10**10)}"
    return Label(carrier.name, tracking, f"https://track.example.com/{carrier.slug}/{tracking}")
