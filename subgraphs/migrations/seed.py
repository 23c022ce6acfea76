"""The example business, the same on every machine: no clock, no random number generator, only hashes of row numbers.

`generate()` yields each table's rows in an order that satisfies the foreign keys. Sizes are in the constants below.
Consistent by construction: an order's total is the sum of its lines, every order past PENDING has a payment, every
order sent has a shipment, and stock reserved is what confirmed orders hold.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson
from xxhash import xxh64_intdigest

from subgraphs.migrations import tables
from subgraphs.migrations.vocabulary import (
    CANCEL_REASONS,
    CARRIERS,
    CITIES,
    FAMILY_NAMES,
    GIVEN_NAMES,
    PRODUCT_LINES,
    STREETS,
)

NAME = "2026-01"
CUSTOMERS = 1_000
PRODUCTS = 500
ORDERS = 10_000
POPULAR = 25
RECOMMENDATIONS_EACH = 8
CURRENCY = "EUR"
LAST_DAY = datetime(2026, 1, 31, 18, tzinfo=UTC)
"""The newest order is placed shortly before this moment; the oldest two years earlier."""


class Rows(NamedTuple):
    """The rows of one table, each a tuple in the order of ``columns``."""

    name: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]


class Product(NamedTuple):
    id: str
    name: str
    category: str
    price_minor: int


class Line(NamedTuple):
    product: Product
    quantity: int


class Order(NamedTuple):
    id: str
    customer_id: str
    placed_at: datetime
    status: str
    lines: tuple[Line, ...]

    @property
    def total_minor(self) -> int:
        return sum(line.product.price_minor * line.quantity for line in self.lines)


def dice(sides: int, *what: object) -> int:
    """A number in ``0..sides-1`` that depends on ``what`` alone."""
    return xxh64_intdigest("/".join(map(str, what)).encode()) % sides


def generate() -> Iterator[Rows]:
    """All tables of the seed."""
    products = _products()
    orders = _orders(products)
    yield _rows(tables.customers, [_customer(number) for number in range(1, CUSTOMERS + 1)])
    yield _rows(tables.products, [_product_row(number, product) for number, product in enumerate(products, 1)])
    yield _rows(tables.orders, [_order_row(order) for order in orders])
    yield _rows(tables.order_lines, [row for order in orders for row in _line_rows(order)])
    yield _rows(tables.payments, [_payment_row(order) for order in orders if order.status != "PENDING"])
    yield _rows(tables.refunds, [(o.id, o.placed_at + timedelta(hours=20)) for o in orders if o.status == "CANCELLED"])
    yield _rows(
        tables.shipments, [_shipment_row(order) for order in orders if order.status in ("SHIPPED", "DELIVERED")]
    )
    reserved = [order for order in orders if order.status == "CONFIRMED"]
    yield _rows(tables.reservations, [(order.id, "RESERVED") for order in reserved])
    held = [(order.id, line.product.id, line.quantity) for order in reserved for line in order.lines]
    yield _rows(tables.reservation_lines, held)
    yield _rows(tables.stock, _stock_rows(products, held))
    yield _rows(tables.recommendations, list(_recommendation_rows(products)))


def _rows(table: Any, rows: Sequence[tuple[Any, ...]]) -> Rows:
    return Rows(table.name, tuple(column.name for column in table.columns), rows)


def _ascii(name: str) -> str:
    accents = str.maketrans("üíèčćńęśłŁöéáäóñç", "uieccneslLoeaaonc")
    return name.translate(accents).replace(" ", "").lower()


def _customer(number: int) -> tuple[Any, ...]:
    # 1237 shares no factor with the number of pairs: every customer gets a pair of names of their own.
    pair = number * 1237 % (len(GIVEN_NAMES) * len(FAMILY_NAMES))
    given_name, family_name = GIVEN_NAMES[pair % len(GIVEN_NAMES)], FAMILY_NAMES[pair // len(GIVEN_NAMES)]
    city = CITIES[dice(len(CITIES), "city", number)]
    streets = STREETS[city.country]
    first = number == 1  # the customer of every example has everything filled in
    email = f"{_ascii(given_name)}.{_ascii(family_name)}@example.com"
    phone = f"{city.phone_prefix} {1_000_000 + dice(9_000_000, 'phone', number)}"
    address = {
        "line1": f"{streets[dice(len(streets), 'street', number)]} {1 + dice(180, 'house', number)}",
        "line2": f"{1 + dice(6, 'floor', number)}. floor" if dice(4, "line2", number) == 0 else None,
        "city": city.name,
        "postal_code": city.postal_code,
        "country": city.country,
    }
    preferences = {
        "language": city.language,
        "currency": CURRENCY,
        "newsletter": dice(3, "newsletter", number) == 0,
    }
    return (
        f"cust_{number:04}",
        f"{given_name} {family_name}",
        email,
        phone if first or dice(5, "has phone", number) else None,
        orjson.dumps(address).decode() if first or dice(12, "has address", number) else None,
        orjson.dumps(preferences).decode() if first or dice(10, "has preferences", number) else None,
        datetime(2019, 1, 1, 9, tzinfo=UTC) + timedelta(minutes=dice(60 * 24 * 365 * 5, "since", number)),
        dice(5_000, "points", number),
        f"https://images.example.com/avatars/cust_{number:04}.jpg" if first or dice(3, "has avatar", number) else None,
    )


def _products() -> list[Product]:
    products: list[Product] = []
    for line in PRODUCT_LINES:
        for thing in line.things:
            for variant in line.variants:
                number = len(products) + 1
                price = line.cheapest_minor + dice(line.dearest_minor - line.cheapest_minor, "price", number)
                price = price // 100 * 100 + (90 if dice(3, "ending", number) else 99)
                products.append(Product(f"prod_{number:04}", f"{variant} {thing}", line.category, price))
    return products


def _product_row(number: int, product: Product) -> tuple[Any, ...]:
    line = PRODUCT_LINES[(number - 1) * len(PRODUCT_LINES) // PRODUCTS]
    return (
        product.id,
        product.name,
        product.category,
        f"{product.name}. {line.description}.",
        product.price_minor,
        CURRENCY,
        round(3.0 + dice(21, "rating", number) / 10, 1) if dice(15, "has rating", number) else None,
        f"https://images.example.com/products/{product.id}.jpg",
    )


def _orders(products: Sequence[Product]) -> list[Order]:
    """Ten orders a customer, give or take four; `cust_0001` has fourteen. Ids follow the time of the order."""
    placed: list[tuple[datetime, str]] = []
    for number in range(1, CUSTOMERS + 1):
        # Two neighbours share twenty, so that the total is exact.
        swing = dice(5, "swing", (number + 1) // 2) if number > 2 else 4
        count = 10 + (swing if number % 2 else -swing)
        placed.extend((_placed_at(number, nth, count), f"cust_{number:04}") for nth in range(count))
    placed.sort()
    return [
        Order(f"ord_{nth:05}", customer_id, moment, _status(nth, moment, customer_id), _lines(nth, products))
        for nth, (moment, customer_id) in enumerate(placed, 1)
    ]


def _placed_at(customer: int, nth: int, count: int) -> datetime:
    """Spread over two years; the example customer's newest order is a day old."""
    span = timedelta(days=730) / count
    latest = LAST_DAY - span * nth - timedelta(seconds=dice(int(span.total_seconds()), "placed", customer, nth))
    if customer == 1 and nth == 0:
        return LAST_DAY - timedelta(hours=26)
    return latest.replace(microsecond=0)


def _status(nth: int, placed_at: datetime, customer_id: str) -> str:
    age = LAST_DAY - placed_at
    if customer_id == "cust_0001" and age < timedelta(days=3):
        return "SHIPPED"
    if dice(20, "cancelled", nth) == 0:
        return "CANCELLED"
    if age < timedelta(days=1):
        return "PENDING" if dice(2, "pending", nth) else "CONFIRMED"
    if age < timedelta(days=3):
        return "CONFIRMED"
    return "SHIPPED" if age < timedelta(days=8) else "DELIVERED"


def _lines(nth: int, products: Sequence[Product]) -> tuple[Line, ...]:
    """One to eight different products, most often one of each. The last product is never sold: it has no stock."""
    start, step = dice(PRODUCTS - 1, "first", nth), 1 + dice(60, "step", nth)
    return tuple(
        Line(products[(start + step * line) % (PRODUCTS - 1)], (1, 1, 1, 1, 2, 2, 3, 4)[dice(8, "quantity", nth, line)])
        for line in range(1 + dice(8, "lines", nth))
    )


def _order_row(order: Order) -> tuple[Any, ...]:
    number = order.id.removeprefix("ord_")
    paid, sent = order.status != "PENDING", order.status in ("SHIPPED", "DELIVERED")
    cancelled = order.status == "CANCELLED"
    return (
        order.id,
        order.customer_id,
        order.placed_at,
        order.status,
        order.total_minor,
        CURRENCY,
        sum(line.quantity for line in order.lines),
        f"pay_{number}" if paid else None,
        f"ship_{number}" if sent else None,
        CANCEL_REASONS[dice(len(CANCEL_REASONS), "reason", number)] if cancelled else None,
    )


def _line_rows(order: Order) -> Iterator[tuple[Any, ...]]:
    for position, (product, quantity) in enumerate(order.lines, 1):
        yield order.id, position, product.id, product.name, quantity, product.price_minor, CURRENCY


def _payment_row(order: Order) -> tuple[Any, ...]:
    return (
        f"pay_{order.id.removeprefix('ord_')}",
        order.id,
        order.customer_id,
        order.total_minor,
        CURRENCY,
        "REFUNDED" if order.status == "CANCELLED" else "CHARGED",
        "card",
        order.placed_at + timedelta(seconds=20 + dice(40, "charged", order.id)),
    )


def _shipment_row(order: Order) -> tuple[Any, ...]:
    number = order.id.removeprefix("ord_")
    carrier = CARRIERS[dice(len(CARRIERS), "carrier", number)]
    tracking = f"{carrier.prefix}{10**10 + dice(9 * 10**10, 'tracking', number)}"
    return (
        f"ship_{number}",
        order.id,
        order.customer_id,
        carrier.name,
        tracking,
        f"https://track.example.com/{carrier.slug}/{tracking}",
        "DELIVERED" if order.status == "DELIVERED" else "IN_TRANSIT",
        order.placed_at + timedelta(hours=18 + dice(30, "shipped", number)),
    )


def _stock_rows(products: Sequence[Product], held: Sequence[tuple[str, str, int]]) -> list[tuple[Any, ...]]:
    reserved: dict[str, int] = {}
    for _, product_id, quantity in held:
        reserved[product_id] = reserved.get(product_id, 0) + quantity
    available = {product.id: 40 + dice(460, "stock", product.id) for product in products} | {products[-1].id: 0}
    return [(product.id, available[product.id], reserved.get(product.id, 0)) for product in products]


def _recommendation_rows(products: Sequence[Product]) -> Iterator[tuple[Any, ...]]:
    number = 0
    for customer in (None, *range(1, CUSTOMERS + 1)):
        start, step = dice(PRODUCTS, "recommended", customer), 1 + dice(60, "apart", customer)
        for nth in range(POPULAR if customer is None else RECOMMENDATIONS_EACH):
            number += 1
            product = products[(start + step * nth) % (PRODUCTS - 1)]
            yield (
                f"rec_{number:05}",
                None if customer is None else f"cust_{customer:04}",
                product.id,
                round(0.99 - nth * 0.03 - dice(20, "score", number) / 1000, 3),
                f"Popular in {product.category}"
                if customer is None
                else f"Goes well with your {product.category} orders",
            )
