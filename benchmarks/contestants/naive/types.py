"""What a request carries, and the GraphQL types: each filled from JSON, what needs another call behind a loader."""

import json
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import httpx
import redis.asyncio as redis
import strawberry
from aiodataloader import DataLoader
from strawberry.fastapi import BaseContext

from benchmarks.contestants.setup import identity_headers

Json = dict[str, Any]


class Context(BaseContext):
    """One request: who asks, the HTTP client, Redis, and the loaders."""

    def __init__(self, client: httpx.AsyncClient, progress: redis.Redis, claims: Json) -> None:
        super().__init__()
        self.client = client
        self.progress = progress
        self.user_id: str = claims["sub"]
        self.headers = identity_headers(claims)
        self.customers: DataLoader[str, Customer | None] = DataLoader(self.load_customers)
        self.products: DataLoader[str, Product | None] = DataLoader(self.load_products)
        self.stocks: DataLoader[str, int | None] = DataLoader(self.load_stocks)
        self.payments: DataLoader[str, Payment | None] = DataLoader(self.load_payments)
        self.shipments: DataLoader[str, Shipment | None] = DataLoader(self.load_shipments)
        self.fulfilments: DataLoader[str, Fulfilment | None] = DataLoader(self.load_fulfilments)

    async def get(self, path: str, **params: Any) -> Json:
        response = await self.client.get(path, params=params, headers=self.headers)
        response.raise_for_status()
        return dict(response.json())

    async def load_customers(self, ids: list[str]) -> list["Customer | None"]:
        body = await self.get("/api/customers", ids=",".join(ids))
        by_id = {row["id"]: Customer.from_json(row) for row in body["items"]}
        return [by_id.get(id_) for id_ in ids]

    async def load_products(self, ids: list[str]) -> list["Product | None"]:
        body = await self.get("/api/products", ids=",".join(ids))
        by_id = {row["id"]: Product.from_json(row) for row in body["items"]}
        return [by_id.get(id_) for id_ in ids]

    async def load_stocks(self, product_ids: list[str]) -> list[int | None]:
        body = await self.get("/api/inventory", ids=",".join(product_ids))
        by_id = {row["product_id"]: row["available"] for row in body["items"]}
        return [by_id.get(product_id) for product_id in product_ids]

    async def load_payments(self, order_ids: list[str]) -> list["Payment | None"]:
        body = await self.get("/api/payments", order_ids=",".join(order_ids), limit=100)
        by_id = {row["order_id"]: Payment.from_json(row) for row in body["items"]}
        return [by_id.get(order_id) for order_id in order_ids]

    async def load_shipments(self, order_ids: list[str]) -> list["Shipment | None"]:
        body = await self.get("/api/shipping", order_ids=",".join(order_ids), limit=100)
        by_id = {row["order_id"]: Shipment.from_json(row) for row in body["items"]}
        return [by_id.get(order_id) for order_id in order_ids]

    async def load_fulfilments(self, order_ids: list[str]) -> list["Fulfilment | None"]:
        async with self.progress.pipeline(transaction=False) as pipeline:
            for order_id in order_ids:
                pipeline.hget(f"order:{{{order_id}}}", "fulfilment")
            packed = await pipeline.execute()
        return [Fulfilment.from_json(json.loads(text)) if text else None for text in packed]

    async def newest_orders(self, first: int) -> list["Order"]:
        body = await self.get("/api/orders/by-customer", customer_ids=self.user_id, limit=first)
        return [Order.from_json(row) for customer in body["items"] for row in customer["items"]]


Info = strawberry.Info[Context, None]


@strawberry.enum
class OrderStatus(Enum):
    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"


@strawberry.enum
class PaymentStatus(Enum):
    CHARGED = "CHARGED"
    REFUNDED = "REFUNDED"


@strawberry.enum
class ShipmentStatus(Enum):
    IN_TRANSIT = "IN_TRANSIT"
    DELIVERED = "DELIVERED"


@strawberry.type
class Money:
    amount: Decimal
    currency: str

    @classmethod
    def from_json(cls, row: Json) -> "Money":
        return cls(amount=Decimal(row["amount_minor"]).scaleb(-2), currency=row["currency"])

    @strawberry.field
    def formatted(self) -> str:
        return self.as_text()

    def as_text(self) -> str:
        symbol = "€" if self.currency == "EUR" else f"{self.currency} "
        return f"{symbol}{self.amount:,}"


@strawberry.type
class Address:
    line1: str
    line2: str | None
    city: str
    postal_code: str
    country: str


@strawberry.type
class Preferences:
    language: str
    currency: str
    newsletter: bool


@strawberry.type
class Customer:
    id: strawberry.ID
    name: str
    email: str
    phone: str | None
    address: Address | None
    preferences: Preferences | None
    member_since: datetime
    loyalty_points: int
    avatar_url: str | None

    @classmethod
    def from_json(cls, row: Json) -> "Customer":
        return cls(
            id=strawberry.ID(row["id"]),
            name=row["name"],
            email=row["email"],
            phone=row["phone"],
            address=Address(**row["address"]) if row["address"] else None,
            preferences=Preferences(**row["preferences"]) if row["preferences"] else None,
            member_since=datetime.fromisoformat(row["member_since"]),
            loyalty_points=row["loyalty_points"],
            avatar_url=row["avatar_url"],
        )


@strawberry.type
class Product:
    id: strawberry.ID
    name: str
    category: str
    description: str
    price: Money
    rating: float | None
    image_url: str

    @classmethod
    def from_json(cls, row: Json) -> "Product":
        return cls(
            id=strawberry.ID(row["id"]),
            name=row["name"],
            category=row["category"],
            description=row["description"],
            price=Money.from_json(row["price"]),
            rating=row["rating"],
            image_url=row["image_url"],
        )

    @strawberry.field
    async def stock(self, info: Info) -> int | None:
        return await info.context.stocks.load(self.id)


@strawberry.type
class OrderLine:
    product_name: str
    quantity: int
    unit_price: Money
    product_id: strawberry.Private[str]

    @classmethod
    def from_json(cls, row: Json) -> "OrderLine":
        return cls(
            product_name=row["product_name"],
            quantity=row["quantity"],
            unit_price=Money.from_json(row["unit_price"]),
            product_id=row["product_id"],
        )

    @strawberry.field
    async def product(self, info: Info) -> Product | None:
        return await info.context.products.load(self.product_id)


@strawberry.type
class Payment:
    id: strawberry.ID
    amount: Money
    status: PaymentStatus
    method: str
    created_at: datetime

    @classmethod
    def from_json(cls, row: Json) -> "Payment":
        return cls(
            id=strawberry.ID(row["id"]),
            amount=Money.from_json(row["amount"]),
            status=PaymentStatus(row["status"]),
            method=row["method"],
            created_at=datetime.fromisoformat(row["created_at"]),
        )


@strawberry.type
class Shipment:
    id: strawberry.ID
    carrier: str
    tracking_number: str
    tracking_url: str
    status: ShipmentStatus
    shipped_at: datetime

    @classmethod
    def from_json(cls, row: Json) -> "Shipment":
        return cls(
            id=strawberry.ID(row["id"]),
            carrier=row["carrier"],
            tracking_number=row["tracking_number"],
            tracking_url=row["tracking_url"],
            status=ShipmentStatus(row["status"]),
            shipped_at=datetime.fromisoformat(row["shipped_at"]),
        )


@strawberry.enum
class FulfilmentStatus(Enum):
    PLACING = "PLACING"
    AWAITING_WAREHOUSE = "AWAITING_WAREHOUSE"
    SHIPPING = "SHIPPING"
    COMPLETED = "COMPLETED"
    COMPENSATING = "COMPENSATING"
    CANCELLED = "CANCELLED"
    NEEDS_ATTENTION = "NEEDS_ATTENTION"


@strawberry.enum
class OrderStep(Enum):
    CREATE = "CREATE"
    RESERVE = "RESERVE"
    CHARGE = "CHARGE"
    CONFIRM = "CONFIRM"
    WAREHOUSE = "WAREHOUSE"
    SHIP = "SHIP"
    NOTIFY = "NOTIFY"
    FINISH = "FINISH"


@strawberry.enum
class OrderStepState(Enum):
    STARTED = "STARTED"
    DONE = "DONE"
    FAILED = "FAILED"
    COMPENSATED = "COMPENSATED"


@strawberry.type
class FulfilmentStep:
    name: OrderStep
    state: OrderStepState
    started_at: datetime
    finished_at: datetime | None
    attempts: int

    @classmethod
    def from_json(cls, row: Json) -> "FulfilmentStep":
        return cls(
            name=OrderStep(row["name"]),
            state=OrderStepState(row["state"]),
            started_at=datetime.fromisoformat(row["started_at"]),
            finished_at=datetime.fromisoformat(row["finished_at"]) if row["finished_at"] else None,
            attempts=row["attempts"],
        )


@strawberry.type
class Fulfilment:
    status: FulfilmentStatus
    steps: list[FulfilmentStep]

    @classmethod
    def from_json(cls, row: Json) -> "Fulfilment":
        return cls(
            status=FulfilmentStatus(row["status"]), steps=[FulfilmentStep.from_json(step) for step in row["steps"]]
        )


@strawberry.type
class Order:
    id: strawberry.ID
    placed_at: datetime
    status: OrderStatus
    total: Money
    items_count: int
    items: list[OrderLine]
    cancel_reason: str | None
    customer_id: strawberry.Private[str]

    @classmethod
    def from_json(cls, row: Json) -> "Order":
        return cls(
            id=strawberry.ID(row["id"]),
            placed_at=datetime.fromisoformat(row["placed_at"]),
            status=OrderStatus(row["status"]),
            total=Money.from_json(row["total"]),
            items_count=row["items_count"],
            items=[OrderLine.from_json(line) for line in row["items"]],
            cancel_reason=row["cancel_reason"],
            customer_id=row["customer_id"],
        )

    @strawberry.field
    async def customer(self, info: Info) -> Customer | None:
        return await info.context.customers.load(self.customer_id)

    @strawberry.field
    async def payment(self, info: Info) -> Payment | None:
        return await info.context.payments.load(self.id)

    @strawberry.field
    async def shipment(self, info: Info) -> Shipment | None:
        return await info.context.shipments.load(self.id)

    @strawberry.field
    async def tracking_url(self, info: Info) -> str | None:
        shipment = await info.context.shipments.load(self.id)
        return shipment.tracking_url if shipment else None

    @strawberry.field
    async def fulfilment(self, info: Info) -> Fulfilment | None:
        return await info.context.fulfilments.load(self.id)


@strawberry.type
class OrderConnection:
    nodes: list[Order]


@strawberry.type
class OrderAnalytics:
    total_spent: Money
    order_count: int
    favorite_categories: list[str]
