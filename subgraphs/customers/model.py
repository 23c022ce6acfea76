"""The wire shapes of customers."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints
from typing_extensions import TypedDict

from subgraphs.kit.contract_types import TEXT_PATTERN, WHOLE, Body, Id

Line = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=TEXT_PATTERN)]


class Address(TypedDict):
    """A postal address, where parcels go."""

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


class NewAddress(Body):
    """Where parcels are to go."""

    line1: Annotated[Line, Field(examples=["Rua Augusta 12"])]
    line2: Line | None = None
    city: Annotated[Line, Field(examples=["Lisboa"])]
    postal_code: Annotated[str, Field(pattern=r"^[A-Za-z0-9 -]{1,16}$", examples=["1100-053"])]
    country: Annotated[str, Field(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2.", examples=["PT"])]


class NewPreferences(Body):
    """What a customer chooses."""

    language: Annotated[str, Field(pattern="^[a-z]{2}$", description="ISO 639-1.", examples=["pt"])]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$", examples=["EUR"])]
    newsletter: bool


class NewCustomer(Body):
    """A registration. A client that retries may choose the id."""

    id: Annotated[str | None, Field(pattern="^cust_[a-z0-9_]{1,40}$")] = None
    name: Annotated[Line, Field(examples=["Ana Silva"])]
    email: Annotated[
        str,
        Field(
            pattern=r"^[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,189}$",
            description="Kept in lower case.",
            examples=["ana@example.com"],
        ),
    ]


class ProfileChange(Body):
    """What is to change: absent members stay, null removes."""

    name: Annotated[Line, Field(default_factory=str)]  # so that no default is in the contract
    phone: Annotated[str | None, Field(pattern=r"^\+?[0-9 ()./-]{3,32}$", examples=["+351 21 0000000"])] = None
    address: NewAddress | None = None
    preferences: NewPreferences | None = None


class NewCredit(Body):
    """Points to grant, once for each reason."""

    reason: Annotated[str, Field(pattern="^[a-z][a-z-]{0,31}$", examples=["welcome"])]
    points: Annotated[int, Field(ge=1, le=100_000, examples=[100]), WHOLE]


class Credit(TypedDict):
    """Points granted, and what the customer has now."""

    customer_id: Id
    reason: str
    points: int
    loyalty_points: int


class Expiry(TypedDict):
    """EXPIRED when the registration was removed just now or before, NONE when there never was one."""

    customer_id: Id
    status: Literal["EXPIRED", "NONE"]
