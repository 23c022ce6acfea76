"""The wire shapes of customers."""

from datetime import datetime
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from subgraphs.kit.wire import Id


class Address(TypedDict):
    """Where parcels go."""

    line1: str
    line2: str | None
    city: str
    postal_code: str
    country: Annotated[str, Field(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2.", examples=["PT"])]


class Preferences(TypedDict):
    """What the customer chose for themselves."""

    language: Annotated[str, Field(description="ISO 639-1.", examples=["pt"])]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$", examples=["EUR"])]
    newsletter: bool


class Customer(TypedDict):
    """A customer. What they never told us is null."""

    id: Annotated[Id, Field(examples=["cust_0001"])]
    name: str
    email: str
    phone: str | None
    address: Address | None
    preferences: Preferences | None
    member_since: datetime
    loyalty_points: int
    avatar_url: str | None


class CustomerList(TypedDict):
    """A page of customers, by id."""

    items: list[Customer]
    next_cursor: str | None
