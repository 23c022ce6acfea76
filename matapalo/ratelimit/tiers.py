"""From `tiers.toml` to the policies of each tier. Pure.

A limit is a whole number; 0 blocks, "unlimited" leaves the policy out, and everything else (a negative number, a tier
or policy nobody knows, one that is missing) raises `TiersError`, which names the file and the line. Nothing has a
default that could be forgotten: every tier states every policy.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast, get_args

import msgspec

from matapalo.auth.viewer import Tier
from matapalo.ratelimit.rules.bucket import CostBucket
from matapalo.ratelimit.rules.policy import Kind, OnError, Plan, Policy, Shape, plan
from matapalo.ratelimit.rules.window import StrictWindow

PACKAGED = Path(__file__).with_name("tiers.toml")
TIERS: tuple[str, ...] = get_args(Tier)
KINDS: tuple[Kind, ...] = get_args(Kind)

MAX_LIMIT = 1_000_000_000
MAX_WINDOW_S = 31 * 86_400
PRECISION = 10
UNLIMITED = "unlimited"

_COMMON = {"shape", "counts", "mode", "on_error"}
_SETTINGS: dict[Shape, set[str]] = {
    "window": _COMMON | {"window_s", "precision"},
    "cost": _COMMON,
    "concurrency": _COMMON | {"lease_s"},
}
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"""\s*["']?([A-Za-z0-9_-]+)["']?\s*=""")


class TiersError(ValueError):
    """The text cannot be used. The message says where and what would be right."""


class TierSet:
    """The policies of all tiers, with a plan for every kind of operation prepared."""

    def __init__(self, tiers: Mapping[str, tuple[Policy, ...]]) -> None:
        self.tiers = dict(tiers)
        self._plans = {
            (tier, kind): plan(policies, kind) for tier, policies in self.tiers.items() for kind in (*KINDS, None)
        }

    def plan(self, tier: str, kind: Kind | None) -> Plan:
        """The policies of ``tier`` for one kind of operation. KeyError for a tier that tokens cannot name."""
        return self._plans[tier, kind]


def packaged() -> TierSet:
    """The tiers that come with the platform."""
    return read(PACKAGED)


def read(path: Path) -> TierSet:
    """The tiers of a file."""
    try:
        text = path.read_text()
    except OSError as error:
        raise TiersError(f"{path}: cannot be read ({error.strerror})") from error
    return parse(text, source=path.name)


def parse(text: str, *, source: str = "tiers.toml") -> TierSet:
    """The tiers that ``text`` describes; ``source`` is what errors call it."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TiersError(f"{source}: {error}") from error
    return _Reading(document, _lines(text), source).tiers()


class _Described(msgspec.Struct, frozen=True):
    name: str
    shape: Shape
    counts: frozenset[Kind]
    shadow: bool
    on_error: OnError
    window_us: int
    precision: int


class _Reading:
    """One text being read; knows where each key stands."""

    def __init__(self, document: Mapping[str, Any], lines: Mapping[tuple[str, ...], int], source: str) -> None:
        self._document = document
        self._lines = lines
        self._source = source

    def tiers(self) -> TierSet:
        self._only(self._document, {"policy", "tier"}, ())
        described = [self._policy(name, found) for name, found in self._tables("policy").items()]
        tiers = self._tables("tier")
        self._only(tiers, set(TIERS), ("tier",))
        self._all(tiers, TIERS, ("tier",))
        return TierSet({name: self._tier(name, tiers[name], described) for name in TIERS})

    def _policy(self, name: str, found: Mapping[str, Any]) -> _Described:
        at = ("policy", name)
        if not _NAME.fullmatch(name):
            raise self._error(at, f"{name!r} is no name for a policy: use {_NAME.pattern}")
        shape = cast(Shape, self._choice(found, "shape", get_args(Shape), at))
        self._only(found, _SETTINGS[shape], at)
        seconds = {"window": "window_s", "concurrency": "lease_s"}.get(shape)
        return _Described(
            name=name,
            shape=shape,
            counts=self._kinds(found, at),
            shadow=self._choice(found, "mode", ("enforce", "shadow"), at, "enforce") == "shadow",
            on_error=cast(OnError, self._choice(found, "on_error", get_args(OnError), at, "local")),
            window_us=1_000_000 * self._whole(found, seconds, at, 1, MAX_WINDOW_S) if seconds else 0,
            precision=self._whole(found, "precision", at, 1, 60) if "precision" in found else PRECISION,
        )

    def _tier(self, tier: str, found: Mapping[str, Any], described: list[_Described]) -> tuple[Policy, ...]:
        at = ("tier", tier)
        names = [one.name for one in described]
        self._only(found, set(names), at)
        self._all(found, names, at)
        rules = ((one, self._rule(one, found, at)) for one in described)
        return tuple(
            Policy(
                name=one.name,
                shape=one.shape,
                rule=rule,
                counts=one.counts,
                shadow=one.shadow,
                on_error=one.on_error,
            )
            for one, rule in rules
            if rule is not None
        )

    def _rule(
        self, policy: _Described, found: Mapping[str, Any], at: tuple[str, ...]
    ) -> StrictWindow | CostBucket | None:
        name, value = policy.name, found[policy.name]
        if value == UNLIMITED:
            return None
        if policy.shape != "cost":
            limit = self._whole(found, name, at, 0, MAX_LIMIT)
            return StrictWindow(limit, policy.window_us, policy.precision)
        if value == 0 and not isinstance(value, bool):
            return CostBucket(0, 1)
        inside = (*at, name)
        if not isinstance(value, dict):
            raise self._error(
                inside, f'{name} is {value!r}: use {{ capacity = …, restore_per_s = … }}, 0 or "unlimited"'
            )
        self._only(value, {"capacity", "restore_per_s"}, inside)
        return CostBucket(
            self._whole(value, "capacity", inside, 0, MAX_LIMIT),
            self._whole(value, "restore_per_s", inside, 1, MAX_LIMIT),
        )

    def _kinds(self, found: Mapping[str, Any], at: tuple[str, ...]) -> frozenset[Kind]:
        kinds = found.get("counts")
        if not isinstance(kinds, list) or not kinds or not set(map(str, kinds)) <= set(KINDS):
            raise self._error((*at, "counts"), f"counts is {kinds!r}: list some of {', '.join(KINDS)}")
        return frozenset(kinds)

    def _tables(self, name: str) -> Mapping[str, Any]:
        tables = self._document.get(name)
        if not isinstance(tables, dict) or not tables or not all(isinstance(one, dict) for one in tables.values()):
            raise self._error((name,), f"there is no table [{name}.…]")
        return tables

    def _whole(self, found: Mapping[str, Any], key: str, at: tuple[str, ...], low: int, high: int) -> int:
        value = found.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            also = f', or "{UNLIMITED}"' if at[0] == "tier" and len(at) == 2 else ""
            given = f"{key} is {value!r}" if key in found else f"{key} is missing"
            raise self._error((*at, key), f"{given}: use a whole number from {low} to {high}{also}")
        return value

    def _choice(
        self, found: Mapping[str, Any], key: str, choices: tuple[str, ...], at: tuple[str, ...], default: str = ""
    ) -> str:
        value = found.get(key, default)
        if value not in choices:
            given = f"{key} is {value!r}" if key in found else f"{key} is missing"
            raise self._error((*at, key), f"{given}: use one of {', '.join(choices)}")
        return str(value)

    def _only(self, found: Mapping[str, Any], known: set[str], at: tuple[str, ...]) -> None:
        for key in found:
            if key not in known:
                raise self._error((*at, key), f"nobody knows {key!r}: use {', '.join(sorted(known))}")

    def _all(self, found: Mapping[str, Any], wanted: list[str] | tuple[str, ...], at: tuple[str, ...]) -> None:
        missing = [name for name in wanted if name not in found]
        if missing:
            raise self._error(at, f"[{'.'.join(at)}] does not say {missing[0]!r}: a number, 0 or {UNLIMITED!r}")

    def _error(self, at: tuple[str, ...], sentence: str) -> TiersError:
        while at and at not in self._lines:
            at = at[:-1]
        place = f"{self._source}:{self._lines[at]}" if at else self._source
        return TiersError(f"{place}: {sentence}")


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Where each table and each key of it stands. (The TOML parser of the standard library does not tell.)"""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = tuple(part.strip().strip("\"'") for part in header[1].split("."))
            for end in range(1, len(table) + 1):
                lines.setdefault(table[:end], number)
            lines[table] = number
        elif key := _KEY.match(line):
            lines.setdefault((*table, key[1]), number)
    return lines
