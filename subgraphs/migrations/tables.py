"""Every table, as it is after the newest migration. The monolith and the services share them (first phase of
strangling), so a split of reads between the sides is consistent from day one.

Money is minor units plus a currency. Times are `timestamptz`, stored to the second. Writes go through
row locks. `idempotency` belongs to all writes of all services (`kit/idempotency.py`).
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    desc,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

customers = Table(
    "customers",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False, unique=True),
    Column("phone", Text),
    Column("address", JSONB(none_as_null=True)),
    Column("preferences", JSONB(none_as_null=True)),
    Column("member_since", DateTime(timezone=True), nullable=False),
    Column("loyalty_points", Integer, nullable=False),
    Column("avatar_url", Text),
)

registrations = Table(
    "registrations",
    metadata,
    Column("customer_id", String(64), primary_key=True),
    Column("state", Text, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    comment="PENDING, VERIFIED or EXPIRED, of customers who registered themselves. An expiry that came first also"
    " leaves a row: a registration that arrives late is refused.",
)

credits_ = Table(
    "credits",
    metadata,
    Column("customer_id", ForeignKey("customers.id"), primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("points", Integer, nullable=False),
    Column("granted_at", DateTime(timezone=True), nullable=False),
)

products = Table(
    "products",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("rating", Double),
    Column("image_url", Text, nullable=False),
    Index(None, "category", "id"),
)

stock = Table(
    "stock",
    metadata,
    Column("product_id", ForeignKey("products.id"), primary_key=True),
    Column("available", Integer, CheckConstraint("available >= 0", name="available"), nullable=False),
    Column("reserved", Integer, CheckConstraint("reserved >= 0", name="reserved"), nullable=False),
)

orders = Table(
    "orders",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("customer_id", ForeignKey("customers.id"), nullable=False),
    Column("placed_at", DateTime(timezone=True), nullable=False),
    Column("status", Text, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("items_count", Integer, nullable=False),
    Column("payment_id", String(64)),
    Column("shipment_id", String(64)),
    Column("cancel_reason", Text),
)
Index(None, orders.c.customer_id, desc(orders.c.placed_at), desc(orders.c.id))
Index(None, desc(orders.c.placed_at), desc(orders.c.id))

withdrawn_orders = Table(
    "withdrawn_orders",
    metadata,
    Column("order_id", String(64), primary_key=True),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    comment="Orders that were withdrawn before they were created: a creation that arrives late is refused.",
)

order_lines = Table(
    "order_lines",
    metadata,
    Column("order_id", ForeignKey("orders.id"), primary_key=True),
    Column("line", SmallInteger, primary_key=True),
    Column("product_id", ForeignKey("products.id"), nullable=False),
    Column("product_name", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("unit_price_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
)

payments = Table(
    "payments",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("order_id", ForeignKey("orders.id"), nullable=False, index=True),
    Column("customer_id", ForeignKey("customers.id"), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("status", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)
Index(None, payments.c.customer_id, desc(payments.c.created_at), desc(payments.c.id))
Index(None, desc(payments.c.created_at), desc(payments.c.id))

refunds = Table(
    "refunds",
    metadata,
    Column("order_id", ForeignKey("orders.id"), primary_key=True),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    comment="An order that was refunded, even before anything was charged: a charge that arrives late is refused.",
)

reservations = Table(
    "reservations",
    metadata,
    Column("order_id", String(64), primary_key=True),
    Column("status", Text, nullable=False),
    comment="RESERVED or RELEASED. A release that came first also leaves a row: a late reservation is refused.",
)

reservation_lines = Table(
    "reservation_lines",
    metadata,
    Column("order_id", ForeignKey("reservations.order_id"), primary_key=True),
    Column("product_id", ForeignKey("products.id"), primary_key=True),
    Column("quantity", Integer, nullable=False),
)

shipments = Table(
    "shipments",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("order_id", ForeignKey("orders.id"), nullable=False, unique=True),
    Column("customer_id", ForeignKey("customers.id"), nullable=False),
    Column("carrier", Text, nullable=False),
    Column("tracking_number", Text, nullable=False),
    Column("tracking_url", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("shipped_at", DateTime(timezone=True), nullable=False),
)
Index(None, shipments.c.customer_id, desc(shipments.c.shipped_at), desc(shipments.c.id))
Index(None, desc(shipments.c.shipped_at), desc(shipments.c.id))

recommendations = Table(
    "recommendations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("customer_id", ForeignKey("customers.id")),
    Column("product_id", ForeignKey("products.id"), nullable=False),
    Column("score", Double, nullable=False),
    Column("reason", Text, nullable=False),
)
Index(None, recommendations.c.customer_id, desc(recommendations.c.score), recommendations.c.id)

idempotency = Table(
    "idempotency",
    metadata,
    Column("operation", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("status", SmallInteger),
    Column("body", LargeBinary),
    Column("created_at", DateTime(timezone=True), server_default=func.now(), nullable=False),
)

seeds = Table(
    "seeds",
    metadata,
    Column("name", Text, primary_key=True),
    Column("loaded_at", DateTime(timezone=True), server_default=func.now(), nullable=False),
)
