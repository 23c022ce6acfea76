"""Money: minor units and an ISO 4217 currency, as the services send it. Never a float."""

from decimal import Decimal

import msgspec

#: ISO 4217 currencies whose minor unit is not a hundredth. Source: the ISO 4217 list one, column "minor unit".
NO_MINOR_UNIT = (
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI",
    "VND", "VUV", "XAF", "XOF", "XPF",
)  # fmt: skip
MINOR_DIGITS = {
    **dict.fromkeys(NO_MINOR_UNIT, 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}


class Money(msgspec.Struct, frozen=True, gc=False):
    """``Money(1999, "EUR")`` is €19.99."""

    amount_minor: int
    currency: str

    @property
    def amount(self) -> Decimal:
        """In major units, with the currency's number of decimals: ``Decimal("19.99")``."""
        return Decimal(self.amount_minor).scaleb(-MINOR_DIGITS.get(self.currency, 2))

    @property
    def formatted(self) -> str:
        """For people, the same in every locale: ``€1,234.50``, ``-€5.00``, ``CHF 12.00``."""
        symbol = SYMBOLS.get(self.currency, f"{self.currency} ")
        sign = "-" if self.amount_minor < 0 else ""
        return f"{sign}{symbol}{abs(self.amount):,f}"
