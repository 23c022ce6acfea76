"""Which fields really differ: Diffy's rule, noise subtracted. Pure.

Legacy is asked twice. ``raw`` counts how often new differs from legacy at a path, ``noise`` how often legacy differs
from itself there. A field is flagged when raw > noise, by more than 20 % of both together and by more than 0.03 % of
what was compared (Diffy's defaults), and when chance would not do that: of raw + noise differences each is as likely to
fall on either side if new is only as noisy as legacy (sign test). Where all but chance is settled the field is
*suspect*: more comparisons are needed, and the gate holds.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum

import msgspec

from matapalo.strangler.significance import at_least_heads

RELATIVE = 0.2
ABSOLUTE = 0.0003


class Standing(StrEnum):
    """What is thought of a field."""

    SAME = "same"
    NOISE = "noise"
    SUSPECT = "suspect"
    DIFFERENT = "different"
    IGNORED = "ignored"


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A path at which responses ever differed."""

    path: str
    raw: int
    noise: int
    kinds: tuple[str, ...]
    standing: Standing
    p: float


class Consistency(msgspec.Struct, frozen=True, kw_only=True):
    """All that was compared in a window."""

    compared: int
    differing: int
    """Responses of new that differ beyond noise: those that differ somewhere legacy does not differ from itself, less
    those where it is the other way round. Ignored fields do not count."""
    failed: int
    """At least one of the three answers was a failure: nothing was learnt."""
    dropped: int
    """The comparator had no time."""
    fields: tuple[Field, ...] = ()

    @property
    def same_share(self) -> float | None:
        """The part of the compared responses that were the same; None without any."""
        return 1 - self.differing / self.compared if self.compared else None


def standing(raw: int, noise: int, *, compared: int, significance: float) -> tuple[Standing, float]:
    """What to think of a field that differed so often, and the probability of that by chance."""
    if not raw:
        return Standing.NOISE if noise else Standing.SAME, 1.0
    p = at_least_heads(raw, raw + noise)
    if raw <= noise or (raw - noise) / (raw + noise) <= RELATIVE or (raw - noise) / max(compared, 1) <= ABSOLUTE:
        return Standing.NOISE, p
    return (Standing.DIFFERENT if p < significance else Standing.SUSPECT), p


def fields_of(
    raw: Mapping[str, int],
    noise: Mapping[str, int],
    kinds: Mapping[str, Collection[str]],
    *,
    compared: int,
    ignored: Collection[str],
    significance: float,
) -> tuple[Field, ...]:
    """Every path that ever differed, the worst first."""
    fields = []
    for path in raw.keys() | noise.keys():
        counts = raw.get(path, 0), noise.get(path, 0)
        thought, p = standing(*counts, compared=compared, significance=significance)
        if is_ignored(path, ignored):
            thought = Standing.IGNORED
        field = Field(
            path=path, raw=counts[0], noise=counts[1], kinds=tuple(sorted(kinds.get(path, ()))), standing=thought, p=p
        )
        fields.append(field)
    worst = [Standing.DIFFERENT, Standing.SUSPECT, Standing.NOISE, Standing.IGNORED, Standing.SAME]
    return tuple(sorted(fields, key=lambda field: (worst.index(field.standing), -field.raw, field.path)))


def is_ignored(path: str, ignored: Collection[str]) -> bool:
    """Whether the path or something above it is on the list."""
    return any(path == above or path.startswith((f"{above}.", f"{above}[")) for above in ignored)
