"""Executes selections of projections a level at a time: graphql-core's executor, with a short cut through plain rows.

A selection qualifies when each of its fields is an attribute of the model (a leaf, another projection, a list of them)
or a relation without arguments. Its rows are then read in one go, without a resolver call, an `info` or a path per
cell, and each relation is loaded once for all rows (`Loads.many`). Nested selections that qualify join their parents'
level: the products of all lines of all orders are one load and one pass.

Everything else is graphql-core's: resolvers, arguments, abstract types, middleware, and every row in which something
is not exactly as its model says. Reading attributes has no side effects, so a level that meets a surprise while it
reads is done again by graphql-core, which knows what the specification wants. After the first load nothing is done
again: a relation is nullable (`matapalo.execution.check`), so what fails there concerns its own cell.

Answers, errors and their places are those of stock execution, held by tests/matapalo/execution/test_levels.py; the
order
of errors may differ. Source: GraphQL specification, "Executing Selection Sets" and "Completing Values".
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, cast, get_origin

from graphql import (
    GraphQLBoolean,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLString,
    TypeNameMetaFieldDef,
    Undefined,
    is_leaf_type,
)
from graphql.execution.collect_fields import FieldDetailsList
from graphql.pyutils import AwaitableOrValue, Path, gather_with_cancel
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from matapalo.execution.projection import projected_model
from matapalo.execution.relation import Load, Relation

_READING = "matapalo.execution.reading"
_MODEL = "matapalo.execution.model"
_MAX_INT = 2**31


class _Surprise(Exception):
    """Something is not as the model says: graphql-core takes over."""


def _exactly(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise _Surprise
        return value

    return read


def _int(value: Any) -> Any:
    if type(value) is not int or not -_MAX_INT <= value < _MAX_INT:
        raise _Surprise
    return value


def _float(value: Any) -> Any:
    if type(value) is not float or value - value != 0:  # neither NaN nor infinite
        raise _Surprise
    return value


_SPECIFIED: dict[str, tuple[GraphQLLeafType, Callable[[Any], Any]]] = {
    "String": (GraphQLString, _exactly(str)),
    "ID": (GraphQLID, _exactly(str)),
    "Boolean": (GraphQLBoolean, _exactly(bool)),
    "Int": (GraphQLInt, _int),
    "Float": (GraphQLFloat, _float),
}


def _coerced_by(leaf: GraphQLLeafType) -> Callable[[Any], Any]:
    """Turns a value that is not None into what the answer shows, or raises."""
    known, read = _SPECIFIED.get(leaf.name, (None, None))
    if read is not None and known is leaf:
        return read
    coerce = leaf.coerce_output_value

    def coerced(value: Any) -> Any:
        shown = coerce(value)
        if shown is None or shown is Undefined:
            raise _Surprise
        return shown

    return coerced


@dataclass(frozen=True, slots=True)
class _Reading:
    """How a field of a projection is read; kept with the field, for the life of the schema."""

    get: Callable[[Any], Any]
    nullable: bool
    leaf: Callable[[Any], Any] | None = None
    target: GraphQLObjectType | None = None
    many: bool = False
    relation: Relation | None = None


_TYPENAME = _Reading(get=lambda _source: None, nullable=False)


@dataclass(slots=True)
class _Cell:
    """A field of one selection."""

    name: str
    reading: _Reading
    details: FieldDetailsList
    field: GraphQLField
    plan: "_Plan | None" = None


@dataclass(slots=True)
class _Plan:
    """One selection of one projection: what its rows are made of."""

    row_type: GraphQLObjectType
    model: type
    cells: list[_Cell] = field(default_factory=list)
    has_loads: bool = False


@dataclass(slots=True)
class _Rows:
    """Rows that were read, with what is needed to load their relations."""

    plan: _Plan
    sources: Sequence[Any]
    shown: list[dict[str, Any]]
    paths: Sequence[Path]
    inner: list["_Rows"] = field(default_factory=list)


class LevelExecutor(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor with the short cut. One per operation, like its parent."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        middleware = self.middleware_manager
        self._may_plan = (
            (middleware is None or not middleware.middlewares)
            and self.abort_signal is None
            and self.hooks is None
            and self.error_propagation
        )
        self._plans: dict[tuple[GraphQLObjectType, int], tuple[FieldDetailsList, _Plan | None]] = {}

    def complete_iterable_value(
        self, item_type: Any, field_details_list: Any, info: Any, path: Any, items: Any, position_context: Any
    ) -> AwaitableOrValue[list[Any]]:
        """A list of rows in one go, where it qualifies."""
        row_type = item_type.of_type if isinstance(item_type, GraphQLNonNull) else item_type
        plan = self._plan(row_type, field_details_list) if type(items) is list and items else None
        if plan is not None:
            try:
                rows = self._read(plan, items, [path.add_key(index, None) for index in range(len(items))])
            except Exception:  # whatever it is, graphql-core says it better
                return super().complete_iterable_value(
                    item_type, field_details_list, info, path, items, position_context
                )
            return self._loaded(rows) if plan.has_loads else cast("list[Any]", rows.shown)
        return super().complete_iterable_value(item_type, field_details_list, info, path, items, position_context)

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: Any,
        info: Any,
        path: Path,
        result: Any,
        position_context: Any,
    ) -> AwaitableOrValue[dict[str, Any]]:
        """A single row, where it qualifies."""
        plan = self._plan(return_type, field_details_list)
        if plan is not None:
            try:
                rows = self._read(plan, [result], [path])
            except Exception:  # whatever it is, graphql-core says it better
                return super().complete_object_value(
                    return_type, field_details_list, info, path, result, position_context
                )
            return self._first_loaded(rows) if plan.has_loads else rows.shown[0]
        return super().complete_object_value(return_type, field_details_list, info, path, result, position_context)

    # --- planning ----------------------------------------------------------------------------------------------------

    def _plan(self, row_type: Any, details: FieldDetailsList) -> _Plan | None:
        if not self._may_plan or not isinstance(row_type, GraphQLObjectType):
            return None
        key = (row_type, id(details))
        known = self._plans.get(key)
        if known is None:
            # The list is kept with its plan, so that its id cannot come to mean another one.
            known = self._plans[key] = (details, self._make_plan(row_type, details))
        return known[1]

    def _make_plan(self, row_type: GraphQLObjectType, details: FieldDetailsList) -> _Plan | None:
        model = _model_of(row_type)
        if model is None:
            return None
        grouped, defer_usages, _ = self.collect_subfields(row_type, details)
        if defer_usages:
            return None
        plan = _Plan(row_type, model)
        for name, group in grouped.items():
            if group[0].node.name.value == "__typename":
                plan.cells.append(_Cell(name, _TYPENAME, group, TypeNameMetaFieldDef))
                continue
            found = row_type.fields.get(group[0].node.name.value)
            reading = None if found is None else _reading_of(found)
            if found is None or reading is None:
                return None
            cell = _Cell(name, reading, group, found)
            if reading.target is not None:
                cell.plan = self._plan(reading.target, group)
                if cell.plan is None and reading.relation is None:
                    return None
            plan.cells.append(cell)
            plan.has_loads |= reading.relation is not None or (cell.plan is not None and cell.plan.has_loads)
        return plan

    # --- reading -----------------------------------------------------------------------------------------------------

    def _read(self, plan: _Plan, sources: Sequence[Any], paths: Sequence[Path]) -> _Rows:
        """The rows, their relations still None. Raises anything when a value is not as its model says."""
        model = plan.model
        for source in sources:
            if type(source) is not model:
                raise _Surprise
        shown: list[dict[str, Any]] = [{} for _ in sources]
        rows = _Rows(plan, sources, shown, paths)
        for cell in plan.cells:
            reading = cell.reading
            if reading.relation is not None or reading is _TYPENAME:
                for row in shown:
                    row[cell.name] = plan.row_type.name if reading is _TYPENAME else None
            elif reading.leaf is not None:
                self._read_leaf(cell.name, reading, reading.leaf, sources, shown)
            else:
                self._read_nested(cell, rows)
        return rows

    @staticmethod
    def _read_leaf(
        name: str, reading: _Reading, leaf: Callable[[Any], Any], sources: Sequence[Any], shown: list[dict[str, Any]]
    ) -> None:
        get = reading.get
        for source, row in zip(sources, shown, strict=True):
            value = get(source)
            if value is not None:
                row[name] = leaf(value)
            elif reading.nullable:
                row[name] = None
            else:
                raise _Surprise

    def _read_nested(self, cell: _Cell, rows: _Rows) -> None:
        plan, reading = cast(_Plan, cell.plan), cell.reading
        values = [reading.get(source) for source in rows.sources]
        if not reading.nullable and None in values:
            raise _Surprise
        places = [Path(path, cell.name, rows.plan.row_type.name) for path in rows.paths]
        if reading.many:
            for value in values:
                if value is not None and type(value) is not list:
                    raise _Surprise
            members = [member for value in values if value is not None for member in value]
            paths = [
                place.add_key(index, None)
                for value, place in zip(values, places, strict=True)
                if value is not None
                for index in range(len(value))
            ]
        else:
            members = [value for value in values if value is not None]
            paths = [place for value, place in zip(values, places, strict=True) if value is not None]
        inner = self._read(plan, members, paths)
        following = iter(inner.shown)
        for value, row in zip(values, rows.shown, strict=True):
            row[cell.name] = _taken(value, following, many=reading.many)
        if plan.has_loads and members:
            rows.inner.append(inner)

    # --- loading -----------------------------------------------------------------------------------------------------

    async def _loaded(self, rows: _Rows) -> list[Any]:
        await self._load(rows)
        return rows.shown

    async def _first_loaded(self, rows: _Rows) -> dict[str, Any]:
        await self._load(rows)
        return rows.shown[0]

    async def _load(self, rows: _Rows) -> None:
        """Fill the relations of these rows and of those inside them, all at the same time."""
        work = [self._load_cell(cell, rows) for cell in rows.plan.cells if cell.reading.relation is not None]
        work += [self._load(inner) for inner in rows.inner]
        if len(work) == 1:
            await work[0]
        else:
            await gather_with_cancel(*work)

    async def _load_cell(self, cell: _Cell, rows: _Rows) -> None:
        relation = cast(Relation, cell.reading.relation)
        keyed = [
            (index, key) for index, source in enumerate(rows.sources) if (key := cell.reading.get(source)) is not None
        ]
        if not keyed:
            return
        load: Load = relation.load
        values = await self.context_value.loads.many(load, [key for _, key in keyed])
        found = [(index, value) for (index, _), value in zip(keyed, values, strict=True) if value is not None]
        if not found:
            return
        if cell.plan is not None and not cell.reading.many:
            await self._complete_rows(cell, cell.plan, rows, found)
        else:
            await self._complete_each(cell, rows, found)

    async def _complete_rows(self, cell: _Cell, plan: _Plan, rows: _Rows, found: list[tuple[int, Any]]) -> None:
        """Complete the values of a relation to one as rows of the next level."""
        whole = [(index, value) for index, value in found if not isinstance(value, Exception)]
        failed = [(index, value) for index, value in found if isinstance(value, Exception)]
        try:
            paths = [Path(rows.paths[index], cell.name, rows.plan.row_type.name) for index, _ in whole]
            inner = self._read(plan, [value for _, value in whole], paths)
        except Exception:  # whatever it is, graphql-core says it better
            await self._complete_each(cell, rows, found)
            return
        for (index, _), shown in zip(whole, inner.shown, strict=True):
            rows.shown[index][cell.name] = shown
        await self._complete_each(cell, rows, failed)
        if plan.has_loads and whole:
            await self._load(inner)

    async def _complete_each(self, cell: _Cell, rows: _Rows, found: list[tuple[int, Any]]) -> None:
        """Complete the values of a relation one by one: leaves, failures, and whatever needs graphql-core."""
        waiting: list[tuple[int, Any]] = []
        leaf = cell.reading.leaf
        for index, value in found:
            row = rows.shown[index]
            try:
                if leaf is not None and not isinstance(value, Exception):
                    row[cell.name] = leaf(value)
                    continue
            except Exception:  # graphql-core finds the words
                row[cell.name] = None
            completed = self._complete_cell(cell, rows, index, value)
            if self.is_awaitable(completed):
                waiting.append((index, completed))
            else:
                row[cell.name] = completed
        if waiting:
            values = await gather_with_cancel(*(completed for _, completed in waiting))
            for (index, _), value in zip(waiting, values, strict=True):
                rows.shown[index][cell.name] = value

    def _complete_cell(self, cell: _Cell, rows: _Rows, index: int, value: Any) -> Any:
        path = Path(rows.paths[index], cell.name, rows.plan.row_type.name)
        nodes = [detail.node for detail in cell.details]
        info = self.build_resolve_info(cell.field, nodes, rows.plan.row_type, path)
        try:
            completed = self.complete_value(cell.field.type, cell.details, info, path, value, None)
        except Exception as error:
            self.handle_field_error(error, cell.field.type, cell.details, path)
            return None
        return self._guarded(cell, path, completed) if self.is_awaitable(completed) else completed

    async def _guarded(self, cell: _Cell, path: Path, completed: Any) -> Any:
        try:
            return await completed
        except Exception as error:
            self.handle_field_error(error, cell.field.type, cell.details, path)
            return None


def _taken(value: Any, following: Iterator[dict[str, Any]], *, many: bool) -> Any:
    if value is None:
        return None
    return [next(following) for _ in value] if many else next(following)


def _model_of(row_type: GraphQLObjectType) -> type | None:
    """The class of the rows of a projection; None for every other type."""
    extensions = row_type.extensions
    if _MODEL not in extensions:
        definition = extensions.get("strawberry-definition")
        origin = definition.origin if isinstance(definition, StrawberryObjectDefinition) else None
        projected = projected_model(origin)
        extensions[_MODEL] = None if projected is None else (get_origin(projected) or projected)
    return cast("type | None", extensions[_MODEL])


def _reading_of(found: GraphQLField) -> _Reading | None:
    """How the field is read; None when only graphql-core can execute it."""
    extensions = found.extensions
    if _READING not in extensions:
        extensions[_READING] = _make_reading(found)
    return cast("_Reading | None", extensions[_READING])


def _make_reading(found: GraphQLField) -> _Reading | None:
    declared = found.extensions.get("strawberry-definition")
    if not isinstance(declared, StrawberryField) or found.args or declared.extensions:
        return None
    relation = declared.metadata.get(Relation)
    if relation is None and declared.base_resolver is not None:
        return None
    get = attrgetter(declared.python_name if relation is None else relation.key)
    kind: Any = found.type
    nullable = not isinstance(kind, GraphQLNonNull)
    if relation is not None and not nullable:
        return None
    kind = kind if nullable else kind.of_type
    many = isinstance(kind, GraphQLList)
    if many:
        kind = kind.of_type
        kind = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if isinstance(kind, GraphQLObjectType):
        return _Reading(get, nullable, target=kind, many=many, relation=relation)
    if is_leaf_type(kind) and not many:
        return _Reading(get, nullable, leaf=_coerced_by(kind), relation=relation)
    if relation is not None:
        return _Reading(get, nullable, many=many, relation=relation)
    return None
