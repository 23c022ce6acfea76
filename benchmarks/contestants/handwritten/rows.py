"""What the services return, as far as it is needed, and how it is read."""

from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")


class Money(msgspec.Struct, frozen=True, gc=False):
    amount_minor: int
    currency: str

    def amount(self) -> str:
        return f"{self.amount_minor // 100}.{self.amount_minor % 100:02}"

    def formatted(self) -> str:
        symbol = "€" if self.currency == "EUR" else f"{self.currency} "
        return f"{symbol}{self.amount_minor // 100:,}.{self.amount_minor % 100:02}"

    def as_json(self) -> dict[str, str]:
        return {"amount": self.amount(), "currency": self.currency, "formatted": self.formatted()}


class Customer(msgspec.Struct):
    id: str
    name: str
    email: str
    phone: str | None
    address: dict[str, str | None] | None
    preferences: dict[str, Any] | None
    member_since: str
    loyalty_points: int
    avatar_url: str | None


class OrderLine(msgspec.Struct):
    product_id: str
    product_name: str
    quantity: int
    unit_price: Money


class Order(msgspec.Struct):
    id: str
    customer_id: str
    placed_at: str
    status: str
    total: Money
    items_count: int
    items: list[OrderLine]
    cancel_reason: str | None


class CustomerOrders(msgspec.Struct):
    items: list[Order]


class Summary(msgspec.Struct):
    order_count: int
    total_spent: Money
    favorite_categories: list[str]


class Product(msgspec.Struct):
    id: str
    name: str
    category: str
    description: str
    price: Money
    rating: float | None
    image_url: str


class Stock(msgspec.Struct):
    product_id: str
    available: int


class Payment(msgspec.Struct):
    id: str
    order_id: str
    amount: Money
    status: str
    method: str
    created_at: str


class Shipment(msgspec.Struct):
    id: str
    order_id: str
    carrier: str
    tracking_number: str
    tracking_url: str
    status: str
    shipped_at: str


class Recommendation(msgspec.Struct):
    product_id: str


class Step(msgspec.Struct):
    name: str
    state: str
    started_at: str
    finished_at: str | None
    attempts: int


class Fulfilment(msgspec.Struct):
    status: str
    steps: list[Step]


class Listing(msgspec.Struct, Generic[T]):
    items: list[T]


CUSTOMERS = msgspec.json.Decoder(Listing[Customer])
ORDERS = msgspec.json.Decoder(Listing[Order])
ORDERS_BY_CUSTOMER = msgspec.json.Decoder(Listing[CustomerOrders])
SUMMARY = msgspec.json.Decoder(Summary)
PRODUCTS = msgspec.json.Decoder(Listing[Product])
STOCKS = msgspec.json.Decoder(Listing[Stock])
PAYMENTS = msgspec.json.Decoder(Listing[Payment])
SHIPMENTS = msgspec.json.Decoder(Listing[Shipment])
RECOMMENDATIONS = msgspec.json.Decoder(Listing[Recommendation])
FULFILMENT = msgspec.json.Decoder(Fulfilment)
