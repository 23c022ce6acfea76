"""One function an operation. Raises whatever goes wrong, as it comes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import pyreqwest.client
import redis.asyncio as redis

from benchmarks.contestants.handwritten.rows import (
    CUSTOMERS,
    FULFILMENT,
    ORDERS,
    ORDERS_BY_CUSTOMER,
    PAYMENTS,
    PRODUCTS,
    RECOMMENDATIONS,
    SHIPMENTS,
    STOCKS,
    SUMMARY,
    Customer,
    Fulfilment,
    Order,
    Payment,
    Product,
    Shipment,
)
from benchmarks.workloads import HUNDRED_ORDERS, Client, hash_of, text_of

T = TypeVar("T")
Operation = Callable[["Sources"], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where one request gets its data: REST calls with the identity of the caller, and the progress of orders."""

    client: pyreqwest.client.Client
    base_url: str
    headers: Mapping[str, str]
    progress: redis.Redis

    async def get(self, target: str, decoder: msgspec.json.Decoder[T]) -> T:
        response = await self.client.get(self.base_url + target).headers(self.headers).build().send()
        return decoder.decode(memoryview(await response.bytes()))

    async def fulfilments(self, orders: Sequence[Order]) -> list[Fulfilment | None]:
        async with self.progress.pipeline(transaction=False) as batch:
            for order in orders:
                batch.hget(f"order:{{{order.id}}}", "fulfilment")
            return [None if packed is None else FULFILMENT.decode(packed) for packed in await batch.execute()]


async def dashboard(sources: Sources) -> dict[str, Any]:
    me = sources.headers["x-user-id"]
    customers, by_customer, summary, recommended = await asyncio.gather(
        sources.get(f"/api/customers?ids={me}", CUSTOMERS),
        sources.get(f"/api/orders/by-customer?customer_ids={me}&limit=10", ORDERS_BY_CUSTOMER),
        sources.get(f"/api/orders/summary?customer_id={me}", SUMMARY),
        sources.get(f"/api/recommendations?customer_id={me}&limit=8", RECOMMENDATIONS),
    )
    orders = by_customer.items[0].items
    named = {line.product_id for order in orders for line in order.items}
    named.update(one.product_id for one in recommended.items)
    product_ids, order_ids = ",".join(named), ",".join(order.id for order in orders)
    products, stocks, payments, shipments, fulfilments = await asyncio.gather(
        sources.get(f"/api/products?ids={product_ids}", PRODUCTS),
        sources.get(f"/api/inventory?ids={product_ids}", STOCKS),
        sources.get(f"/api/payments?order_ids={order_ids}&limit=100", PAYMENTS),
        sources.get(f"/api/shipping?order_ids={order_ids}&limit=100", SHIPMENTS),
        sources.fulfilments(orders),
    )
    customer = customers.items[0]
    available = {one.product_id: one.available for one in stocks.items}
    cards = {product.id: product_card(product, available.get(product.id)) for product in products.items}
    paid = {one.order_id: payment_json(one) for one in payments.items}
    shipped = {one.order_id: shipment_json(one) for one in shipments.items}
    buyer = {"id": customer.id, "name": customer.name}
    return {
        "dashboard": {
            "customer": customer_json(customer),
            "recentOrders": [
                order_json(order, buyer, paid.get(order.id), shipped.get(order.id), fulfilment, cards)
                for order, fulfilment in zip(orders, fulfilments, strict=True)
            ],
            "recommendations": [cards[one.product_id] for one in recommended.items],
            "analytics": {
                "totalSpent": summary.total_spent.as_json(),
                "orderCount": summary.order_count,
                "favoriteCategories": summary.favorite_categories,
            },
        }
    }


async def home(sources: Sources) -> dict[str, Any]:
    me = sources.headers["x-user-id"]
    customers, by_customer = await asyncio.gather(
        sources.get(f"/api/customers?ids={me}", CUSTOMERS),
        sources.get(f"/api/orders/by-customer?customer_ids={me}&limit=5", ORDERS_BY_CUSTOMER),
    )
    customer, orders = customers.items[0], by_customer.items[0].items
    return {
        "home": {
            "customer": {"name": customer.name, "avatarUrl": customer.avatar_url},
            "recentOrders": [
                {
                    "id": order.id,
                    "placedAt": instant(order.placed_at),
                    "total": order.total.formatted(),
                    "status": order.status,
                }
                for order in orders
            ],
            "quickActions": quick_actions(orders),
        }
    }


async def typename(_: Sources) -> dict[str, Any]:
    return {"__typename": "Query"}


async def hundred_orders(sources: Sources) -> dict[str, Any]:
    orders = (await sources.get("/api/orders?limit=100", ORDERS)).items
    ids = ",".join({order.customer_id for order in orders})
    customers = await sources.get(f"/api/customers?ids={ids}", CUSTOMERS)
    buyers = {one.id: {"id": one.id, "name": one.name, "email": one.email} for one in customers.items}
    return {
        "orders": {
            "nodes": [
                {
                    "id": order.id,
                    "total": {"formatted": order.total.formatted()},
                    "customer": buyers.get(order.customer_id),
                }
                for order in orders
            ]
        }
    }


def customer_json(customer: Customer) -> dict[str, Any]:
    address = customer.address
    return {
        "id": customer.id,
        "name": customer.name,
        "email": customer.email,
        "phone": customer.phone,
        "address": address
        and {
            "line1": address["line1"],
            "line2": address["line2"],
            "city": address["city"],
            "postalCode": address["postal_code"],
            "country": address["country"],
        },
        "preferences": customer.preferences,
        "memberSince": instant(customer.member_since),
        "loyaltyPoints": customer.loyalty_points,
        "avatarUrl": customer.avatar_url,
    }


def order_json(
    order: Order,
    buyer: dict[str, str],
    payment: dict[str, Any] | None,
    shipment: dict[str, Any] | None,
    fulfilment: Fulfilment | None,
    cards: Mapping[str, dict[str, Any]],
) -> dict[str, Any]:
    return {
        "id": order.id,
        "placedAt": instant(order.placed_at),
        "status": order.status,
        "total": order.total.as_json(),
        "itemsCount": order.items_count,
        "items": [
            {
                "productName": line.product_name,
                "quantity": line.quantity,
                "unitPrice": line.unit_price.as_json(),
                "product": cards.get(line.product_id),
            }
            for line in order.items
        ],
        "cancelReason": order.cancel_reason,
        "customer": buyer,
        "payment": payment,
        "shipment": shipment,
        "trackingUrl": shipment["trackingUrl"] if shipment is not None else None,
        "fulfilment": fulfilment_shown(fulfilment) if fulfilment is not None else None,
    }


def product_card(product: Product, stock: int | None) -> dict[str, Any]:
    return {
        "id": product.id,
        "name": product.name,
        "category": product.category,
        "description": product.description,
        "price": product.price.as_json(),
        "stock": stock,
        "rating": product.rating,
        "imageUrl": product.image_url,
    }


def payment_json(payment: Payment) -> dict[str, Any]:
    return {
        "id": payment.id,
        "amount": payment.amount.as_json(),
        "status": payment.status,
        "method": payment.method,
        "createdAt": instant(payment.created_at),
    }


def shipment_json(shipment: Shipment) -> dict[str, Any]:
    return {
        "id": shipment.id,
        "carrier": shipment.carrier,
        "trackingNumber": shipment.tracking_number,
        "trackingUrl": shipment.tracking_url,
        "status": shipment.status,
        "shippedAt": instant(shipment.shipped_at),
    }


def fulfilment_shown(fulfilment: Fulfilment) -> dict[str, Any]:
    return {
        "status": fulfilment.status,
        "steps": [
            {
                "name": step.name,
                "state": step.state,
                "startedAt": instant(step.started_at),
                "finishedAt": instant(step.finished_at) if step.finished_at is not None else None,
                "attempts": step.attempts,
            }
            for step in fulfilment.steps
        ],
    }


def quick_actions(newest_first: Sequence[Order]) -> list[dict[str, str]]:
    actions = [{"type": "REORDER", "orderId": order.id} for order in newest_first[:1]]
    shipped = [order.id for order in newest_first if order.status == "SHIPPED"]
    return actions + [{"type": "TRACK", "orderId": order_id} for order_id in shipped[:1]]


def instant(text: str) -> str:
    """RFC 3339 as the services write it, as the schema's DateTime shows it."""
    return text.replace("Z", "+00:00")


def operations(client: Client) -> dict[str, Operation]:
    """The functions, by the text or hash of their operation."""
    if client == "mobile":
        return {hash_of("Home"): home}
    return {text_of("web", "Dashboard"): dashboard, "{ __typename }": typename, HUNDRED_ORDERS: hundred_orders}
