"""What is counted of a comparison."""

from matapalo.strangler.shadow.difference import SideResponse
from matapalo.strangler.shadow.findings import Comparison


def test_what_changes_between_the_readings_is_in_the_noise() -> None:
    before, after = SideResponse(200, {"status": "PENDING"}), SideResponse(200, {"status": "SHIPPED"})
    comparison = Comparison.of(before, after, after)
    assert comparison.raw == comparison.noise
    assert comparison.counts(ignored=())["compared"] == 1
    assert "beyond" not in comparison.counts(ignored=())
    assert comparison.sample_paths() == []
