"""The web schema."""

import strawberry

from benchmarks.contestants.naive.types import Customer, Info, Money, Order, OrderAnalytics, OrderConnection, Product


@strawberry.type
class Dashboard:
    @strawberry.field
    async def customer(self, info: Info) -> Customer | None:
        return await info.context.customers.load(info.context.user_id)

    @strawberry.field
    async def recent_orders(self, info: Info, first: int = 10) -> list[Order] | None:
        return await info.context.newest_orders(first)

    @strawberry.field
    async def recommendations(self, info: Info, first: int = 8) -> list[Product] | None:
        body = await info.context.get("/api/recommendations", customer_id=info.context.user_id, limit=first)
        products = await info.context.products.load_many([row["product_id"] for row in body["items"]])
        return [product for product in products if product is not None]

    @strawberry.field
    async def analytics(self, info: Info) -> OrderAnalytics | None:
        row = await info.context.get("/api/orders/summary", customer_id=info.context.user_id)
        return OrderAnalytics(
            total_spent=Money.from_json(row["total_spent"]),
            order_count=row["order_count"],
            favorite_categories=row["favorite_categories"],
        )


@strawberry.type
class Query:
    @strawberry.field
    def dashboard(self) -> Dashboard:
        return Dashboard()

    @strawberry.field
    async def orders(self, info: Info, first: int = 20) -> OrderConnection | None:
        body = await info.context.get("/api/orders", limit=first)
        return OrderConnection(nodes=[Order.from_json(row) for row in body["items"]])
