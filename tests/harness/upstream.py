"""The REST services in memory: an httpx transport that follows the REST contract and counts its calls.

`FakeUpstream` stands where the gateway stands (``create_pool(settings, clock, transport=FakeUpstream())``). It knows
reads only. `fail`, `stall`, `hang`, `refuse` and `respond` break one service; `calls` holds every request in order.

The data is small and fixed: customers ``cust_0001``…``cust_0012`` with `ORDERS_EACH` orders each, the newest first;
products ``prod_0001``…``prod_0060``. Identity follows the contract: a customer sees only what is theirs.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import httpx

CUSTOMERS = 12
ORDERS_EACH = 12
PRODUCTS = 60
STATUSES = ("PENDING", "CONFIRMED", "SHIPPED", "DELIVERED", "DELIVERED", "CANCELLED")
WITH_SHIPMENT = frozenset({"SHIPPED", "DELIVERED"})
_NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

Row = dict[str, Any]


@dataclass(frozen=True)
class RestCall:
    """One request that arrived. ``service`` is the segment after ``/api/``."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]

    @property
    def service(self) -> str:
        return self.path.split("/")[2]


class Refused(Exception):
    """A response by the contract that is no success."""

    def __init__(self, status: int, slug: str, **members: Any) -> None:
        super().__init__(slug)
        self.status = status
        self.body = {"type": f"/problems/{slug}", "title": slug, "status": status, "detail": slug, **members}


class FakeUpstream(httpx.AsyncBaseTransport):
    """All services. Attributes are the tables; tests may change them."""

    def __init__(self) -> None:
        self.calls: list[RestCall] = []
        self.customers = {row["id"]: row for row in map(_customer, range(1, CUSTOMERS + 1))}
        self.products = {row["id"]: row for row in map(_product, range(1, PRODUCTS + 1))}
        self.orders = {row["id"]: row for row in _orders(self.products)}
        self._broken: dict[str, Callable[[], httpx.Response]] = {}
        self._hanging: set[str] = set()
        self._collections: dict[str, Callable[[RestCall], Row]] = {
            "customers": self._customers_page,
            "orders": self._orders_page,
            "orders/by-customer": self._by_customer,
            "orders/summary": self._summary,
            "products": self._products_page,
            "payments": self._payments_page,
            "inventory": self._stock_page,
            "shipping": self._shipments_page,
            "recommendations": self._recommendations_page,
        }

    # --- what tests do with it ---

    def fail(self, service: str, status: int = 500) -> None:
        """From now on ``service`` answers ``status``."""
        self._broken[service] = lambda: httpx.Response(status, text="fault")

    def stall(self, service: str) -> None:
        """From now on the client's timeout ends every call of ``service``, without the wait."""
        self._broken[service] = _timed_out

    def hang(self, service: str) -> None:
        """From now on ``service`` takes the request and never answers."""
        self._hanging.add(service)

    def refuse(self, service: str) -> None:
        """From now on no connection to ``service`` can be made."""
        self._broken[service] = _refused_connection

    def respond(self, service: str, body: object) -> None:
        """From now on ``service`` sends 200 with ``body`` to every request."""
        self._broken[service] = lambda: httpx.Response(200, json=body)

    def counts(self) -> dict[str, int]:
        """How often each path was called, such as ``{"/api/orders": 1}``."""
        return dict(Counter(call.path for call in self.calls))

    # --- the transport ---

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        query = dict(parse_qsl(request.url.query.decode(), keep_blank_values=True))
        call = RestCall(request.method, request.url.path, query, dict(request.headers))
        self.calls.append(call)
        if call.service in self._hanging:
            await asyncio.get_running_loop().create_future()
        if broken := self._broken.get(call.service):
            return broken()
        try:
            return httpx.Response(200, json=self._body(call))
        except Refused as refused:
            body = json.dumps(refused.body).encode()
            return httpx.Response(refused.status, content=body, headers={"content-type": "application/problem+json"})

    def _body(self, call: RestCall) -> Any:
        path = call.path.removeprefix("/api/")
        if (collection := self._collections.get(path)) is not None:
            return collection(call)
        parent, _, id_ = path.rpartition("/")
        if parent not in self._collections:
            raise Refused(404, "not-found")
        return self._one(call, parent, id_)

    def _customers_page(self, call: RestCall) -> Row:
        return self._page(call, self._owned(call, self.customers.values(), "id"))

    def _orders_page(self, call: RestCall) -> Row:
        return self._page(call, self._owned(call, self.orders.values(), "customer_id"))

    def _products_page(self, call: RestCall) -> Row:
        return self._page(call, self._searched(call))

    def _payments_page(self, call: RestCall) -> Row:
        return self._page(call, map(_payment, self._owned(call, self.orders.values(), "customer_id")))

    def _stock_page(self, call: RestCall) -> Row:
        return self._page(call, map(_stock, self.products.values()), key="product_id")

    def _shipments_page(self, call: RestCall) -> Row:
        owned = self._owned(call, self.orders.values(), "customer_id")
        return self._page(call, (_shipment(order) for order in owned if order["status"] in WITH_SHIPMENT))

    def _recommendations_page(self, call: RestCall) -> Row:
        return self._page(call, map(_recommendation, list(self.products.values())[::5]))

    def _one(self, call: RestCall, collection: str, id_: str) -> Row:
        page = self._collections[collection](RestCall("GET", f"/api/{collection}", {"ids": id_}, call.headers))
        rows: list[Row] = page["items"]
        if not rows:
            raise Refused(404, "not-found")
        return rows[0]

    def _owned(self, call: RestCall, rows: Iterable[Row], owner: str) -> list[Row]:
        viewer, role = call.headers.get("x-user-id"), call.headers.get("x-role")
        if role is None:
            raise Refused(401, "unauthenticated")
        if role in ("operator", "service"):
            viewer = None
        customer_id = call.query.get("customer_id")
        if viewer is not None and customer_id not in (None, viewer):
            raise Refused(404, "not-found")
        owner_id = viewer or customer_id
        return [row for row in rows if owner_id is None or row[owner] == owner_id]

    def _searched(self, call: RestCall) -> list[Row]:
        search, category = call.query.get("search", "").lower(), call.query.get("category")
        return [
            row
            for row in self.products.values()
            if search in row["name"].lower() and category in (None, row["category"])
        ]

    def _by_customer(self, call: RestCall) -> Row:
        limit, status = int(call.query["limit"]), call.query.get("status")
        owned = self._owned(call, self.orders.values(), "customer_id")
        pages = []
        for customer_id in call.query["customer_ids"].split(","):
            rows = [r for r in owned if r["customer_id"] == customer_id and status in (None, r["status"])]
            if rows:
                next_cursor = str(limit) if len(rows) > limit else None
                pages.append({"customer_id": customer_id, "items": rows[:limit], "next_cursor": next_cursor})
        return {"items": pages}

    def _summary(self, call: RestCall) -> Row:
        rows = [row for row in self._owned(call, self.orders.values(), "customer_id") if row["status"] != "CANCELLED"]
        total = sum(row["total"]["amount_minor"] for row in rows)
        return {
            "customer_id": call.query["customer_id"],
            "order_count": len(rows),
            "total_spent": _money(total),
            "favorite_categories": ["Kitchen", "Books"],
        }

    def _page(self, call: RestCall, rows: Iterable[Row], key: str = "id") -> Row:
        query, selected = call.query, list(rows)
        for parameter, column in (("ids", key), ("order_ids", "order_id"), ("status", "status")):
            if parameter in query:
                values = set(query[parameter].split(","))
                selected = [row for row in selected if row.get(column) in values]
        if "ids" in query:
            return {"items": selected[::-1], "next_cursor": None}
        start, limit = self._offset(query), int(query.get("limit", 20))
        more = len(selected) > start + limit
        return {"items": selected[start : start + limit], "next_cursor": str(start + limit) if more else None}

    @staticmethod
    def _offset(query: dict[str, str]) -> int:
        cursor = query.get("cursor", "0")
        if not cursor.isdigit():
            errors = [{"field": "cursor", "value": cursor, "message": "no cursor of this list"}]
            raise Refused(422, "invalid-parameter", errors=errors)
        return int(cursor)


def _timed_out() -> httpx.Response:
    raise httpx.ReadTimeout("stalled")


def _refused_connection() -> httpx.Response:
    raise httpx.ConnectError("connection refused")


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _money(amount_minor: int) -> Row:
    return {"amount_minor": amount_minor, "currency": "EUR"}


def _customer(number: int) -> Row:
    return {
        "id": f"cust_{number:04}",
        "name": f"Customer {number}",
        "email": f"customer{number}@example.com",
        "phone": f"+351 21 555 {number:04}",
        "address": {"line1": f"Rua {number}", "line2": None, "city": "Porto", "postal_code": "4000", "country": "PT"},
        "preferences": {"language": "pt", "currency": "EUR", "newsletter": True},
        "member_since": _time(_NOW - timedelta(days=400 + number)),
        "loyalty_points": number * 10,
        "avatar_url": None,
    }


def _product(number: int) -> Row:
    return {
        "id": f"prod_{number:04}",
        "name": f"Product {number}",
        "category": ("Kitchen", "Books", "Garden")[number % 3],
        "description": "Made of good material, repairable, and delivered in paper instead of plastic.",
        "price": _money(100 * number + 99),
        "rating": None if number % 7 == 0 else 4.5,
        "image_url": f"https://images.example.com/prod_{number:04}.jpg",
    }


def _orders(products: dict[str, Row]) -> Iterable[Row]:
    """Customer by customer, each one's orders newest first, two lines each."""
    ids = list(products)
    for number in range(CUSTOMERS * ORDERS_EACH):
        customer, nth = divmod(number, ORDERS_EACH)
        bought = [products[ids[(number * 2 + offset) % len(ids)]] for offset in (0, 1)]
        lines = [
            {"product_id": p["id"], "product_name": p["name"], "quantity": 2, "unit_price": p["price"]} for p in bought
        ]
        yield {
            "id": f"ord_{number + 1:05}",
            "customer_id": f"cust_{customer + 1:04}",
            "placed_at": _time(_NOW - timedelta(days=nth)),
            "status": STATUSES[nth % len(STATUSES)],
            "total": _money(sum(2 * p["price"]["amount_minor"] for p in bought)),
            "items_count": 4,
            "items": lines,
            "cancel_reason": "changed my mind" if STATUSES[nth % len(STATUSES)] == "CANCELLED" else None,
        }


def _payment(order: Row) -> Row:
    return {
        "id": f"pay_{order['id'][4:]}",
        "order_id": order["id"],
        "customer_id": order["customer_id"],
        "amount": order["total"],
        "status": "REFUNDED" if order["status"] == "CANCELLED" else "CHARGED",
        "method": "card",
        "created_at": order["placed_at"],
    }


def _shipment(order: Row) -> Row:
    return {
        "id": f"shp_{order['id'][4:]}",
        "order_id": order["id"],
        "customer_id": order["customer_id"],
        "carrier": "Correios",
        "tracking_number": f"TRK{order['id'][4:]}",
        "tracking_url": f"https://track.example.com/TRK{order['id'][4:]}",
        "status": "DELIVERED" if order["status"] == "DELIVERED" else "IN_TRANSIT",
        "shipped_at": order["placed_at"],
    }


def _stock(product: Row) -> Row:
    return {"product_id": product["id"], "available": int(product["id"][5:]), "reserved": 0}


def _recommendation(product: Row) -> Row:
    return {
        "id": f"rec_{product['id'][5:]}",
        "customer_id": None,
        "product_id": product["id"],
        "score": 0.5,
        "reason": "popular",
    }
