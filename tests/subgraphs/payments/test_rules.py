"""What payment methods do."""

import pytest

from subgraphs.kit.problem import PaymentDeclined
from subgraphs.payments import rules


def test_no_method_is_the_default_card() -> None:
    assert rules.method_of(None) == "card"
    assert rules.method_of("pm_visa") == "pm_visa"


def test_the_declining_card_declines() -> None:
    with pytest.raises(PaymentDeclined):
        rules.method_of("pm_declined")
