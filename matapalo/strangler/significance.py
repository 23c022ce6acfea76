"""How surprising a difference would be if both sides were alike: one-sided p-values, from counts alone. Pure.

Small numbers are counted exactly (hypergeometric, binomial), large ones approximated by the normal distribution.
Sources: Fisher (1935), Mann and Whitney (1947) with the correction for ties, which buckets are full of.
"""

from collections.abc import Mapping
from math import comb, erfc, exp, inf, lgamma, log, sqrt

EXACT_UP_TO = 300
"""With more failures than this the normal approximation of the two-proportion test is as good and cheaper."""


def more_failures(failed: int, of: int, *, than_failed: int, than_of: int) -> float:
    """Probability of at least ``failed`` of ``of`` on one side, were the failures dealt out to both sides by chance."""
    if not (of and than_of) or not failed:
        return 1.0
    failures, requests = failed + than_failed, of + than_of
    if failures <= EXACT_UP_TO:
        return min(1.0, sum(_dealt(k, of, failures, requests) for k in range(failed, min(of, failures) + 1)))
    pooled = failures / requests
    spread = sqrt(pooled * (1 - pooled) * (1 / of + 1 / than_of))
    return _upper_tail((failed / of - than_failed / than_of) / spread if spread else 0.0)


def exceeds(failed: int, of: int, *, ceiling: float) -> float:
    """Probability of at least ``failed`` of ``of``, were ``ceiling`` the true share (exact binomial up to a point)."""
    if not failed:
        return 1.0
    if of > 5_000:
        return _upper_tail((failed - 0.5 - of * ceiling) / sqrt(of * ceiling * (1 - ceiling)))
    return min(
        1.0, sum(exp(_choices(of, k) + k * log(ceiling) + (of - k) * log(1 - ceiling)) for k in range(failed, of + 1))
    )


def slower(new: Mapping[int, int], legacy: Mapping[int, int]) -> float:
    """Mann-Whitney from bucket counts: probability of ranks this high on the new side, were both sides alike."""
    n, m = sum(new.values()), sum(legacy.values())
    if not (n and m):
        return 1.0
    below, rank_sum, ties = 0, 0.0, 0.0
    for lower in sorted({*new, *legacy}):
        count = new.get(lower, 0) + legacy.get(lower, 0)
        rank_sum += new.get(lower, 0) * (below + (count + 1) / 2)
        ties += count**3 - count
        below += count
    u = rank_sum - n * (n + 1) / 2
    variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    return _upper_tail((u - n * m / 2) / sqrt(variance)) if variance > 0 else 1.0


def superiority(new: Mapping[int, int], legacy: Mapping[int, int]) -> float:
    """How likely a request of the new side is slower than one of the old (Vargha-Delaney A): 0.5 when both are alike.
    Both must hold something.
    """
    below, wins = 0, 0.0
    for lower in sorted({*new, *legacy}):
        wins += new.get(lower, 0) * (below + legacy.get(lower, 0) / 2)
        below += legacy.get(lower, 0)
    return wins / (sum(new.values()) * sum(legacy.values()))


def at_least_heads(heads: int, throws: int) -> float:
    """Probability of at least ``heads`` with a fair coin: the sign test."""
    return (
        sum(comb(throws, k) for k in range(heads, throws + 1)) / 2**throws
        if throws <= EXACT_UP_TO
        else (_upper_tail((heads - 0.5 - throws / 2) / sqrt(throws / 4)))
    )


def _dealt(k: int, of: int, failures: int, requests: int) -> float:
    return exp(_choices(failures, k) + _choices(requests - failures, of - k) - _choices(requests, of))


def _choices(n: int, k: int) -> float:
    """log of the binomial coefficient; -inf for what cannot be."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) if 0 <= k <= n else -inf


def _upper_tail(z: float) -> float:
    return erfc(z / sqrt(2)) / 2
