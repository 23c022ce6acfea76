"""A customer, as `GET /api/customers` returns it."""

from datetime import datetime

import msgspec


class Address(msgspec.Struct, frozen=True):
    """Where a customer lives."""

    line1: str
    city: str
    postal_code: str
    country: str
    line2: str | None = None


class Preferences(msgspec.Struct, frozen=True):
    """What a customer likes."""

    language: str
    currency: str
    newsletter: bool


class Customer(msgspec.Struct, frozen=True):
    """A customer, with what they told us about themselves."""

    id: str
    name: str
    email: str
    member_since: datetime
    loyalty_points: int
    phone: str | None = None
    address: Address | None = None
    preferences: Preferences | None = None
    avatar_url: str | None = None
