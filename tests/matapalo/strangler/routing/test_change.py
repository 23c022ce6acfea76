"""Going back: what a rollback restores, however often it is asked for."""

from datetime import UTC, datetime

import pytest

from matapalo.strangler.errors import InvalidChange
from matapalo.strangler.routing.change import Action, Change, rollback_target, target_at
from matapalo.strangler.routing.route import Side
from tests.matapalo.strangler.builders import a_route

A, B, C = (a_route(share_bp=share_bp, writes=Side.LEGACY) for share_bp in (0, 100, 500))


class Past:
    """Changes of one route; the newest is asked first."""

    def __init__(self) -> None:
        self.newest_first: list[Change] = []
        self.route = A

    def set(self, route):
        self._add(Action.SET, route, 0)

    def roll_back(self):
        found = rollback_target(self.newest_first)
        self._add(Action.ROLLBACK, found.route, found.version)

    def _add(self, action, route, restores):
        version = len(self.newest_first) + 2
        change = Change(
            version=version,
            route="orders",
            action=action,
            at=datetime(2026, 1, 1, tzinfo=UTC),
            by="op_1",
            why="a test",
            before=self.route,
            after=route,
            restores=restores,
        )
        self.newest_first.insert(0, change)
        self.route = route


@pytest.fixture
def past() -> Past:
    found = Past()
    found.set(B)
    found.set(C)
    return found


def test_a_rollback_restores_what_was_before_the_last_change(past):
    past.roll_back()
    assert past.route == B


def test_a_second_rollback_goes_one_step_further_back_and_never_forward(past):
    past.roll_back()
    past.roll_back()
    assert past.route == A
    with pytest.raises(InvalidChange, match="no change to roll back"):
        past.roll_back()


def test_after_a_rollback_only_what_came_later_is_taken_back(past):
    past.roll_back()
    past.set(C)
    past.roll_back()
    assert past.route == B
    past.roll_back()
    assert past.route == A


def test_a_route_is_found_as_it_was_at_any_version(past):
    assert [target_at(past.newest_first, version).route for version in (1, 2, 3, 4)] == [A, B, C, C]
    with pytest.raises(InvalidChange, match="version 7"):
        target_at([], 7)


def test_a_change_tells_what_differs(past):
    assert past.newest_first[0].differences() == {"share_bp": (100, 500)}
