"""Why an operation costs what it costs, for people: `matapalo cost` prints it."""

from dataclasses import dataclass

from matapalo.ratelimit.cost.formula import Variables
from matapalo.ratelimit.cost.operations import OperationCost
from matapalo.ratelimit.cost.plan import SelectedField, Selection


@dataclass(frozen=True, slots=True)
class Line:
    """One field that costs something: ``cost = size * (weight + below) + arguments``, ``depth`` levels deep."""

    depth: int
    name: str
    size: int
    weight: int
    below: int
    arguments: int
    cost: int

    @property
    def working(self) -> str:
        """The calculation as text: `10 x (1 + 37)`."""
        inner = f"{self.weight} + {self.below}" if self.below else str(self.weight)
        sized = inner if self.size == 1 else f"{self.size} x ({inner})" if self.below else f"{self.size} x {inner}"
        return f"{sized} + {self.arguments} (arguments)" if self.arguments else sized


def explain(cost: OperationCost, variables: Variables) -> list[Line]:
    """Every field that costs something, parents first; below an abstract type, those of the dearest type."""
    return _selection(cost.root, variables, 0)


def render(cost: OperationCost, variables: Variables) -> str:
    """The breakdown as text: one field a line, the sum first."""
    lines = explain(cost, variables)
    rows = [("  " * line.depth + line.name, line.cost, line.working) for line in lines]
    width = max((len(name) for name, _, _ in rows), default=0)
    head = f"{cost.estimate(variables)} points, at most {cost.nodes(variables)} objects"
    if cost.is_introspection:
        head += " (the schema alone: it has a budget of its own)"
    return "\n".join([head, *(f"  {name:<{width}} {points:>6} = {working}" for name, points, working in rows)])


def _selection(selection: Selection, variables: Variables, depth: int) -> list[Line]:
    return [line for field in selection.fields for line in _field(field, variables, depth)]


def _field(field: SelectedField, variables: Variables, depth: int) -> list[Line]:
    cost = field.cost(variables)
    if cost == 0:
        return []
    dearest = max(field.below, key=lambda selection: selection.cost(variables), default=None)
    below = 0 if dearest is None else dearest.cost(variables)
    name = field.key if field.key == field.name else f"{field.key}: {field.name}"
    if len(field.below) > 1 and dearest is not None and below:
        name = f"{name} … on {dearest.type_name}"
    size, arguments = field.size(variables), field.arguments(variables)
    line = Line(depth, name, size, field.weight, below, arguments, cost)
    return [line, *(_selection(dearest, variables, depth + 1) if dearest is not None else ())]
