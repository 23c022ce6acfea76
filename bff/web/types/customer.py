"""Customers, as the web shows them."""

from datetime import datetime

import strawberry

from bff.commerce.customers.model import Address, Customer, Preferences
from bff.commerce.orders.loaders import load_orders_of_customers
from bff.web.types.entity import BY_ID
from bff.web.types.order import WebOrderConnection
from bff.web.types.page import PAGED
from matapalo import projection, related


@projection(Address, name="Address", description="A postal address.")
class WebAddress:
    line1: str = strawberry.field(description="Street and number.")
    line2: str | None = strawberry.field(description="Anything else the carrier needs to know.")
    city: str = strawberry.field(description="City or village.")
    postal_code: str = strawberry.field(description="Postal code, as written in the country.")
    country: str = strawberry.field(description="ISO 3166-1 alpha-2 code.")


@projection(Preferences, name="Preferences", description="A customer's preferences.")
class WebPreferences:
    language: str = strawberry.field(description="ISO 639-1 code.")
    currency: str = strawberry.field(description="ISO 4217 code.")
    newsletter: bool = strawberry.field(description="Whether to send the newsletter.")


@projection(Customer, name="Customer", description="A customer.", directives=[BY_ID])
class WebCustomer:
    id: strawberry.ID = strawberry.field(description="Stable identifier.")
    name: str = strawberry.field(description="Full name.")
    email: str = strawberry.field(description="E-mail address.")
    phone: str | None = strawberry.field(description="Telephone number, if known.")
    address: WebAddress | None = strawberry.field(description="Where parcels go, if known.")
    preferences: WebPreferences | None = strawberry.field(
        description="Language, currency, newsletter; null if not set."
    )
    member_since: datetime = strawberry.field(description="When the account was opened.")
    loyalty_points: int = strawberry.field(description="Points collected with orders.")
    avatar_url: str | None = strawberry.field(description="Address of a portrait, if there is one.")
    orders: WebOrderConnection | None = related(
        load_orders_of_customers,
        key="id",
        arguments={
            "first": "How many at most: 1 to 100.",
            "after": "A cursor: go on after it.",
            "status": "Only in this status.",
        },
        description="The customer's orders, newest first.",
        directives=[PAGED],
    )
