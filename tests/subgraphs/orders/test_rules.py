"""What may happen to an order."""

from typing import get_args

import pytest

from subgraphs.kit.problem import InvalidTransition
from subgraphs.orders import rules
from subgraphs.orders.model import Status

ALLOWED = {
    ("PENDING", "confirm"): "CONFIRMED",
    ("CONFIRMED", "ship"): "SHIPPED",
    ("PENDING", "cancel"): "CANCELLED",
    ("CONFIRMED", "cancel"): "CANCELLED",
}


@pytest.mark.parametrize("status", get_args(Status))
@pytest.mark.parametrize("step", get_args(rules.Step))
def test_only_four_steps_are_ever_allowed(status: Status, step: rules.Step) -> None:
    if (status, step) in ALLOWED:
        assert rules.after(status, step, order_id="ord_1") == ALLOWED[status, step]
    else:
        with pytest.raises(InvalidTransition, match=f"ord_1 is {status}"):
            rules.after(status, step, order_id="ord_1")


def test_a_total_is_the_sum_of_quantity_times_price() -> None:
    assert rules.total_minor([(2, 150), (1, 99)]) == 399
    assert rules.total_minor([]) == 0
