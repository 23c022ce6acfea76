"""Money is exact, and written alike for all."""

from decimal import Decimal

import pytest

from bff.commerce.money import Money


@pytest.mark.parametrize(
    ("amount_minor", "currency", "amount", "formatted"),
    [
        (1999, "EUR", "19.99", "€19.99"),
        (123450, "EUR", "1234.50", "€1,234.50"),
        (5, "USD", "0.05", "$0.05"),
        (0, "GBP", "0.00", "£0.00"),
        (-500, "EUR", "-5.00", "-€5.00"),
        (-1, "EUR", "-0.01", "-€0.01"),
        (1500, "JPY", "1500", "¥1,500"),
        (1500, "KWD", "1.500", "KWD 1.500"),
        (12345678901234567890, "CHF", "123456789012345678.90", "CHF 123,456,789,012,345,678.90"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(amount_minor, currency, amount, formatted):
    money = Money(amount_minor, currency)
    assert money.amount == Decimal(amount)
    assert str(money.amount) == amount
    assert money.formatted == formatted
