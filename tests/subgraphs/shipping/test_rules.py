"""Labels."""

from subgraphs.shipping.rules import label_for


def test_an_order_has_one_label_however_often_it_is_printed() -> None:
    assert label_for("ord_1") == label_for("ord_1") != label_for("ord_2")


def test_the_tracking_url_ends_in_the_number() -> None:
    label = label_for("ord_1")
    assert label.tracking_url.endswith(f"/{label.tracking_number}")
