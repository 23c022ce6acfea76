"""The packaged tiers with a cost bucket that no benchmark empties: everything is checked, nothing is denied."""

from pathlib import Path

from matapalo.ratelimit.tiers import PACKAGED, parse

CAPPED = "cost = { capacity = 50000, restore_per_s = 5000 }"
PLENTY = "cost = { capacity = 1000000000, restore_per_s = 1000000000 }"
FEW_PERMITS = "concurrency = 200"
MANY_PERMITS = "concurrency = 10000"


def write(path: Path) -> None:
    """The tiers, as a file for BFF_TIERS_FILE."""
    text = PACKAGED.read_text()
    for before, after in ((CAPPED, PLENTY), (FEW_PERMITS, MANY_PERMITS)):
        assert before in text, f"{PACKAGED} has no {before!r} any more"
        text = text.replace(before, after)
    parse(text)
    path.write_text(text)
