"""Customers who register themselves, credits granted once, and orders withdrawn before they were created."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "registrations",
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("registrations_pkey")),
        comment="PENDING, VERIFIED or EXPIRED, of customers who registered themselves. An expiry that came first also"
        " leaves a row: a registration that arrives late is refused.",
    )
    op.create_table(
        "credits",
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("credits_customer_id_fkey")),
        sa.PrimaryKeyConstraint("customer_id", "reason", name=op.f("credits_pkey")),
    )
    op.create_table(
        "withdrawn_orders",
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("withdrawn_orders_pkey")),
        comment="Orders that were withdrawn before they were created: a creation that arrives late is refused.",
    )


def downgrade() -> None:
    for table in ("withdrawn_orders", "credits", "registrations"):
        op.drop_table(table)
