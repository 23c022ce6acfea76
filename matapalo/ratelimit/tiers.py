"""From `tiers.toml` to the policies of each tier. Pure.

A limit is a whole number; 0 blocks, "unlimited" leaves the policy out, and everything else (a negative number, an
unknown tier or policy, a missing one) raises `TiersError`, which names the file and the line. Nothing has a default
that could be forgotten: every tier states every policy.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast, get_args

import msgspec

from matapalo.auth.viewer import Tier
from matapalo.project.toml_lines import line_of, lines_of
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
    """The tiers of a file. Raises `TiersError`."""
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
    return _Parser(document, lines_of(text), source).tiers()


class _PolicySettings(msgspec.Struct, frozen=True):
    name: str
    shape: Shape
    counts: frozenset[Kind]
    shadow: bool
    on_error: OnError
    window_us: int
    precision: int


class _Parser:
    """One text being read; ``at`` is the path to a table or key, whose line errors name."""

    def __init__(self, document: Mapping[str, Any], lines: Mapping[tuple[str, ...], int], source: str) -> None:
        self._document = document
        self._lines = lines
        self._source = source

    def tiers(self) -> TierSet:
        self._check_keys(self._document, {"policy", "tier"}, ())
        settings = [self._policy(name, table) for name, table in self._tables("policy").items()]
        tiers = self._tables("tier")
        self._check_keys(tiers, set(TIERS), ("tier",), required=TIERS)
        return TierSet({name: self._tier(name, tiers[name], settings) for name in TIERS})

    def _policy(self, name: str, table: Mapping[str, Any]) -> _PolicySettings:
        at = ("policy", name)
        if not _NAME.fullmatch(name):
            raise self._error(at, f"{name!r} is no name for a policy: use {_NAME.pattern}")
        shape = cast(Shape, self._choice(table, "shape", get_args(Shape), at))
        self._check_keys(table, _SETTINGS[shape], at)
        seconds = {"window": "window_s", "concurrency": "lease_s"}.get(shape)
        return _PolicySettings(
            name=name,
            shape=shape,
            counts=self._kinds(table, at),
            shadow=self._choice(table, "mode", ("enforce", "shadow"), at, "enforce") == "shadow",
            on_error=cast(OnError, self._choice(table, "on_error", get_args(OnError), at, "local")),
            window_us=1_000_000 * self._whole(table, seconds, at, 1, MAX_WINDOW_S) if seconds else 0,
            precision=self._whole(table, "precision", at, 1, 60) if "precision" in table else PRECISION,
        )

    def _tier(self, tier: str, table: Mapping[str, Any], settings: list[_PolicySettings]) -> tuple[Policy, ...]:
        at = ("tier", tier)
        names = [policy.name for policy in settings]
        self._check_keys(table, set(names), at, required=names)
        rules = ((policy, self._rule(policy, table, at)) for policy in settings)
        return tuple(
            Policy(
                name=policy.name,
                shape=policy.shape,
                rule=rule,
                counts=policy.counts,
                shadow=policy.shadow,
                on_error=policy.on_error,
            )
            for policy, rule in rules
            if rule is not None
        )

    def _rule(
        self, policy: _PolicySettings, table: Mapping[str, Any], at: tuple[str, ...]
    ) -> StrictWindow | CostBucket | None:
        name, value = policy.name, table[policy.name]
        if value == UNLIMITED:
            return None
        if policy.shape != "cost":
            limit = self._whole(table, name, at, 0, MAX_LIMIT)
            return StrictWindow(limit, policy.window_us, policy.precision)
        if value == 0 and not isinstance(value, bool):
            return CostBucket(0, 1)
        inside = (*at, name)
        if not isinstance(value, dict):
            raise self._error(
                inside, f'{name} is {value!r}: use {{ capacity = …, restore_per_s = … }}, 0 or "unlimited"'
            )
        self._check_keys(value, {"capacity", "restore_per_s"}, inside)
        return CostBucket(
            self._whole(value, "capacity", inside, 0, MAX_LIMIT),
            self._whole(value, "restore_per_s", inside, 1, MAX_LIMIT),
        )

    def _kinds(self, table: Mapping[str, Any], at: tuple[str, ...]) -> frozenset[Kind]:
        kinds = table.get("counts")
        if not isinstance(kinds, list) or not kinds or not set(map(str, kinds)) <= set(KINDS):
            raise self._error((*at, "counts"), f"counts is {kinds!r}: list some of {', '.join(KINDS)}")
        return frozenset(kinds)

    def _tables(self, name: str) -> Mapping[str, Any]:
        tables = self._document.get(name)
        if not isinstance(tables, dict) or not tables or not all(isinstance(table, dict) for table in tables.values()):
            raise self._error((name,), f"there is no table [{name}.…]")
        return tables

    def _whole(self, table: Mapping[str, Any], key: str, at: tuple[str, ...], low: int, high: int) -> int:
        value = table.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            also = f', or "{UNLIMITED}"' if at[0] == "tier" and len(at) == 2 else ""
            raise self._error((*at, key), f"{_value_of(key, table)}: use a whole number from {low} to {high}{also}")
        return value

    def _choice(
        self, table: Mapping[str, Any], key: str, choices: tuple[str, ...], at: tuple[str, ...], default: str = ""
    ) -> str:
        value = table.get(key, default)
        if value not in choices:
            raise self._error((*at, key), f"{_value_of(key, table)}: use one of {', '.join(choices)}")
        return str(value)

    def _check_keys(
        self, table: Mapping[str, Any], allowed: set[str], at: tuple[str, ...], *, required: Iterable[str] = ()
    ) -> None:
        for key in table:
            if key not in allowed:
                raise self._error((*at, key), f"there is no {key!r}: use {', '.join(sorted(allowed))}")
        for key in required:
            if key not in table:
                raise self._error(at, f"[{'.'.join(at)}] does not say {key!r}: a number, 0 or {UNLIMITED!r}")

    def _error(self, at: tuple[str, ...], sentence: str) -> TiersError:
        return TiersError(f"{self._source}:{line_of(self._lines, at)}: {sentence}")


def _value_of(key: str, table: Mapping[str, Any]) -> str:
    return f"{key} is {table[key]!r}" if key in table else f"{key} is missing"
