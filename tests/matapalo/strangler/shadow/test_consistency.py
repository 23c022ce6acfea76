"""Which fields really differ, and which are only noisy."""

import pytest

from matapalo.strangler.shadow.consistency import Standing, fields_of, is_ignored, standing


# Of 757 comparisons: a random id and a time-stamp, a random stock, an added field, a total that is wrong once in 33.
@pytest.mark.parametrize(
    ("raw", "noise", "expected"),
    [
        (757, 757, Standing.NOISE),
        (289, 255, Standing.NOISE),
        (757, 0, Standing.DIFFERENT),
        (24, 0, Standing.DIFFERENT),
        (0, 3, Standing.NOISE),
        (3, 0, Standing.SUSPECT),
        (0, 0, Standing.SAME),
    ],
)
def test_noise_is_told_from_difference(raw: int, noise: int, expected: Standing) -> None:
    assert standing(raw, noise, compared=757, significance=0.01)[0] is expected


def test_an_ignored_field_is_ignored_with_all_below_it() -> None:
    (field,) = fields_of({"$.total.amount": 24}, {}, {}, compared=757, ignored=("$.total",), significance=0.01)
    assert field.standing is Standing.IGNORED
    assert is_ignored("$.items[*].x", {"$.items"})
    assert not is_ignored("$.totals", {"$.total"})
