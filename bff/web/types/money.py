"""Money, as the web shows it."""

from decimal import Decimal

import strawberry

from bff.commerce.money import Money
from matapalo import Cost, projection


@projection(
    Money,
    name="Money",
    description="An amount of money. Exact: no binary fraction is ever involved.",
    directives=[Cost(weight=0)],
)
class WebMoney:
    amount: Decimal = strawberry.field(description="In major units, with the currency's number of decimals.")
    currency: str = strawberry.field(description="ISO 4217 code.")
    formatted: str = strawberry.field(description="Ready to show, such as €1,234.50.")
