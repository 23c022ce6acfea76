"""What a rollback restores, however often it is repeated."""

from datetime import UTC, datetime

import pytest

from matapalo.strangler.errors import InvalidChange
from matapalo.strangler.routing.change import Action, Change, rollback_target, target_at
from matapalo.strangler.routing.route import Side
from tests.matapalo.strangler.builders import a_route

A, B, C = (a_route(share_bp=share_bp, writes=Side.LEGACY) for share_bp in (0, 100, 500))


class RouteHistory:
    """The changes of one route, and the route after them."""

    def __init__(self) -> None:
        self.newest_first: list[Change] = []
        self.route = A

    def set(self, route):
        self._add(Action.SET, route, 0)

    def roll_back(self):
        target = rollback_target(self.newest_first)
        self._add(Action.ROLLBACK, target.route, target.version)

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
def history() -> RouteHistory:
    history = RouteHistory()
    history.set(B)
    history.set(C)
    return history


def test_a_rollback_restores_what_was_before_the_last_change(history):
    history.roll_back()
    assert history.route == B


def test_a_second_rollback_goes_one_step_further_back(history):
    history.roll_back()
    history.roll_back()
    assert history.route == A
    with pytest.raises(InvalidChange, match="no change to roll back"):
        history.roll_back()


def test_after_a_rollback_only_later_changes_are_rolled_back(history):
    history.roll_back()
    history.set(C)
    history.roll_back()
    assert history.route == B
    history.roll_back()
    assert history.route == A


def test_a_route_is_restored_as_at_any_version(history):
    assert [target_at(history.newest_first, version).route for version in (1, 2, 3, 4)] == [A, B, C, C]
    with pytest.raises(InvalidChange, match="version 7"):
        target_at([], 7)


def test_a_change_names_the_fields_that_differ(history):
    assert history.newest_first[0].differences() == {"share_bp": (100, 500)}
