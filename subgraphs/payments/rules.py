"""Which payment methods do what. Pure; the list stands in for a payment provider."""

from subgraphs.kit.problem import PaymentDeclined

DECLINES = "pm_declined"
TIMES_OUT = "pm_timeout"
DEFAULT_METHOD = "card"


def method_of(payment_method_id: str | None) -> str:
    """The method a charge is recorded with; raises `PaymentDeclined`."""
    if payment_method_id == DECLINES:
        raise PaymentDeclined("The card was declined; nothing was charged.")
    return payment_method_id or DEFAULT_METHOD
