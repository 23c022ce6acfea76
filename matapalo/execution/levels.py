"""Executes selections of projections a level at a time: graphql-core's executor, with a short cut through plain rows.

A selection qualifies when each of its fields is an attribute of the model (a leaf, another projection, a list of them)
or a relation without arguments. Its rows are then read in one go, without a resolver call, an `info` or a path per
field, and each relation is loaded once for all rows (`Loads.many`). Nested selections that qualify join their parents'
level: the children of all rows of all lists are one load and one pass.

Everything else is graphql-core's: resolvers, arguments, abstract types, middleware, and every row in which something
is not exactly as its model says (`Fallback`, counted by its reason). Reading attributes has no side effects, so a level
that is not as declared is executed again by graphql-core, which knows what the specification wants. After the first
load nothing is executed again: a relation is nullable (`matapalo.execution.check`), so what fails there concerns its
own field.

Data, errors and their locations are those of stock execution, held by tests/matapalo/execution/test_levels.py; the
order of errors may differ. Source: GraphQL specification, "Executing Selection Sets" and "Completing Values".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import attrgetter
from typing import Any, Literal, cast, get_origin

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
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from matapalo.execution.projection import projected_model
from matapalo.execution.relation import Load, Relation
from matapalo.graphql_core import (
    AwaitableOrValue,
    CoreExecutor,
    FieldDetailsList,
    Path,
    definition_of,
    gather_with_cancel,
)

_READER = "matapalo.execution.reader"
_MODEL = "matapalo.execution.model"
_MAX_INT = 2**31

Reason = Literal["model", "attribute", "null", "list", "value"]


class Fallback(Exception):
    """Something is not as the model says: graphql-core takes over.

    ``reason``: a row of another class, an attribute that raises, None for a non-null field, no list for a list, a leaf
    whose value is not plainly of its type.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def _exactly(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise Fallback("value")
        return value

    return read


def _int(value: Any) -> Any:
    if type(value) is not int or not -_MAX_INT <= value < _MAX_INT:
        raise Fallback("value")
    return value


def _float(value: Any) -> Any:
    if type(value) is not float or value - value != 0:  # neither NaN nor infinite
        raise Fallback("value")
    return value


_SPECIFIED: dict[str, tuple[GraphQLLeafType, Callable[[Any], Any]]] = {
    "String": (GraphQLString, _exactly(str)),
    "ID": (GraphQLID, _exactly(str)),
    "Boolean": (GraphQLBoolean, _exactly(bool)),
    "Int": (GraphQLInt, _int),
    "Float": (GraphQLFloat, _float),
}


def _coerced_by(leaf: GraphQLLeafType) -> Callable[[Any], Any]:
    """Turns a value that is not None into its place in the result, or raises `Fallback`."""
    specified, read = _SPECIFIED.get(leaf.name, (None, None))
    if read is not None and specified is leaf:
        return read
    coerce = leaf.coerce_output_value

    def coerced(value: Any) -> Any:
        try:
            output = coerce(value)
        except Exception as error:  # a custom scalar may raise anything: graphql-core makes an error of it
            raise Fallback("value") from error
        if output is None or output is Undefined:
            raise Fallback("value")
        return output

    return coerced


@dataclass(frozen=True, slots=True)
class _Reader:
    """How a field of a projection is read; stored with the field, for the life of the schema."""

    get: Callable[[Any], Any]
    nullable: bool
    leaf: Callable[[Any], Any] | None = None
    target: GraphQLObjectType | None = None
    many: bool = False
    relation: Relation | None = None

    def values(self, sources: Sequence[Any]) -> list[Any]:
        try:
            return list(map(self.get, sources))
        except Exception as error:  # a property of a model may raise anything: graphql-core makes an error of it
            raise Fallback("attribute") from error


_TYPENAME = _Reader(get=lambda _source: None, nullable=False)


@dataclass(slots=True)
class _Column:
    """A field of one selection, for all its rows."""

    name: str
    reader: _Reader
    details: FieldDetailsList
    field: GraphQLField
    plan: "_Plan | None" = None


@dataclass(slots=True)
class _Plan:
    """One selection of one projection: what its rows are made of."""

    row_type: GraphQLObjectType
    model: type
    columns: list[_Column] = field(default_factory=list)
    has_loads: bool = False


@dataclass(slots=True)
class _Rows:
    """Rows that were read, with what is needed to load their relations."""

    plan: _Plan
    sources: Sequence[Any]
    results: list[dict[str, Any]]
    paths: Sequence[Path]
    inner: list["_Rows"] = field(default_factory=list)

    def path(self, index: int, column: _Column) -> Path:
        return Path(self.paths[index], column.name, self.plan.row_type.name)


class LevelExecutor(CoreExecutor):
    """graphql-core's executor with the short cut. One per operation, like its parent."""

    @staticmethod
    def count_fallback(reason: Reason) -> None:
        """Count why graphql-core took over (`matapalo.execution.run` puts the metrics here)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._may_plan = self.is_plain
        self._plans: dict[tuple[GraphQLObjectType, int], tuple[FieldDetailsList, _Plan | None]] = {}

    def complete_iterable_value(
        self, item_type: Any, field_details_list: Any, info: Any, path: Any, items: Any, position_context: Any
    ) -> AwaitableOrValue[list[Any]]:
        """Complete a list of rows in one go, where it qualifies."""
        row_type = item_type.of_type if isinstance(item_type, GraphQLNonNull) else item_type
        plan = self._plan(row_type, field_details_list) if type(items) is list and items else None
        if plan is not None:
            try:
                rows = self._read(plan, items, [path.add_key(index, None) for index in range(len(items))])
                return self._loaded(rows) if plan.has_loads else cast("list[Any]", rows.results)
            except Fallback as fallback:
                self.count_fallback(fallback.reason)
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
        """Complete a single row, where it qualifies."""
        plan = self._plan(return_type, field_details_list)
        if plan is not None:
            try:
                rows = self._read(plan, [result], [path])
                return self._first_loaded(rows) if plan.has_loads else rows.results[0]
            except Fallback as fallback:
                self.count_fallback(fallback.reason)
        return super().complete_object_value(return_type, field_details_list, info, path, result, position_context)

    # --- planning ----------------------------------------------------------------------------------------------------

    def _plan(self, row_type: Any, details: FieldDetailsList) -> _Plan | None:
        if not self._may_plan or not isinstance(row_type, GraphQLObjectType):
            return None
        key = (row_type, id(details))
        entry = self._plans.get(key)
        if entry is None:
            # The entry holds the list, so that its id cannot come to mean another one.
            entry = self._plans[key] = (details, self._make_plan(row_type, details))
        return entry[1]

    def _make_plan(self, row_type: GraphQLObjectType, details: FieldDetailsList) -> _Plan | None:
        model = model_of(row_type)
        grouped = None if model is None else self.subfields(row_type, details)
        if model is None or grouped is None:
            return None
        plan = _Plan(row_type, model)
        for name, group in grouped.items():
            column = self._make_column(row_type, name, group)
            if column is None:
                return None
            plan.columns.append(column)
            plan.has_loads |= column.reader.relation is not None or (column.plan is not None and column.plan.has_loads)
        return plan

    def _make_column(self, row_type: GraphQLObjectType, name: str, details: FieldDetailsList) -> _Column | None:
        field_name = details[0].node.name.value
        if field_name == "__typename":
            return _Column(name, _TYPENAME, details, TypeNameMetaFieldDef)
        core_field = row_type.fields.get(field_name)
        reader = None if core_field is None else reader_of(core_field)
        if core_field is None or reader is None:
            return None
        plan = None if reader.target is None else self._plan(reader.target, details)
        if reader.target is not None and plan is None and reader.relation is None:
            return None
        return _Column(name, reader, details, core_field, plan)

    # --- reading -----------------------------------------------------------------------------------------------------

    def _read(self, plan: _Plan, sources: Sequence[Any], paths: Sequence[Path]) -> _Rows:
        """The rows, their relations still None. Raises `Fallback` when something is not as its model says."""
        model = plan.model
        for source in sources:
            if type(source) is not model:
                raise Fallback("model")
        results: list[dict[str, Any]] = [{} for _ in sources]
        rows = _Rows(plan, sources, results, paths)
        for column in plan.columns:
            reader = column.reader
            if reader.relation is not None or reader is _TYPENAME:
                for row in results:
                    row[column.name] = plan.row_type.name if reader is _TYPENAME else None
            elif reader.leaf is not None:
                self._read_leaf(column.name, reader, reader.leaf, rows)
            else:
                self._read_nested(column, rows)
        return rows

    @staticmethod
    def _read_leaf(name: str, reader: _Reader, leaf: Callable[[Any], Any], rows: _Rows) -> None:
        for value, row in zip(reader.values(rows.sources), rows.results, strict=True):
            if value is not None:
                row[name] = leaf(value)
            elif reader.nullable:
                row[name] = None
            else:
                raise Fallback("null")

    def _read_nested(self, column: _Column, rows: _Rows) -> None:
        plan, reader = cast(_Plan, column.plan), column.reader
        values = reader.values(rows.sources)
        if not reader.nullable and None in values:
            raise Fallback("null")
        row_type = rows.plan.row_type.name
        present = [
            (value, Path(path, column.name, row_type), row)
            for value, path, row in zip(values, rows.paths, rows.results, strict=True)
            if value is not None
        ]
        if reader.many:
            if any(type(value) is not list for value, _, _ in present):
                raise Fallback("list")
            members = [member for value, _, _ in present for member in value]
            paths = [path.add_key(index, None) for value, path, _ in present for index in range(len(value))]
        else:
            members = [value for value, _, _ in present]
            paths = [path for _, path, _ in present]
        inner = self._read(plan, members, paths)
        for row in rows.results:
            row[column.name] = None
        results = iter(inner.results)
        for value, _, row in present:
            row[column.name] = list(islice(results, len(value))) if reader.many else next(results)
        if plan.has_loads and members:
            rows.inner.append(inner)

    # --- loading -----------------------------------------------------------------------------------------------------

    async def _loaded(self, rows: _Rows) -> list[Any]:
        await self._load(rows)
        return rows.results

    async def _first_loaded(self, rows: _Rows) -> dict[str, Any]:
        await self._load(rows)
        return rows.results[0]

    async def _load(self, rows: _Rows) -> None:
        """Fill the relations of these rows and of those inside them, all at the same time."""
        work = [self._load_column(column, rows) for column in rows.plan.columns if column.reader.relation is not None]
        work += [self._load(inner) for inner in rows.inner]
        if len(work) == 1:
            await work[0]
        else:
            await gather_with_cancel(*work)

    async def _load_column(self, column: _Column, rows: _Rows) -> None:
        relation = cast(Relation, column.reader.relation)
        keyed = [
            (index, key) for index, source in enumerate(rows.sources) if (key := column.reader.get(source)) is not None
        ]
        if not keyed:
            return
        load: Load = relation.load
        values = await self.context_value.loads.many(load, [key for _, key in keyed])
        loaded = [(index, value) for (index, _), value in zip(keyed, values, strict=True) if value is not None]
        if not loaded:
            return
        if column.plan is not None and not column.reader.many:
            await self._complete_rows(column, column.plan, rows, loaded)
        else:
            await self._complete_singly(column, rows, loaded)

    async def _complete_rows(self, column: _Column, plan: _Plan, rows: _Rows, loaded: list[tuple[int, Any]]) -> None:
        """Complete the values of a relation to one as rows of the next level."""
        whole = [(index, value) for index, value in loaded if not isinstance(value, Exception)]
        failed = [(index, value) for index, value in loaded if isinstance(value, Exception)]
        try:
            inner = self._read(plan, [value for _, value in whole], [rows.path(index, column) for index, _ in whole])
        except Fallback as fallback:
            self.count_fallback(fallback.reason)
            await self._complete_singly(column, rows, loaded)
            return
        for (index, _), result in zip(whole, inner.results, strict=True):
            rows.results[index][column.name] = result
        await self._complete_singly(column, rows, failed)
        if plan.has_loads and whole:
            await self._load(inner)

    async def _complete_singly(self, column: _Column, rows: _Rows, loaded: list[tuple[int, Any]]) -> None:
        """Complete the values of a relation one by one: leaves, failures, and whatever needs graphql-core."""
        waiting: list[tuple[int, Any]] = []
        leaf = column.reader.leaf
        for index, value in loaded:
            row = rows.results[index]
            if leaf is not None and not isinstance(value, Exception):
                try:
                    row[column.name] = leaf(value)
                    continue
                except Fallback as fallback:
                    self.count_fallback(fallback.reason)
            path = rows.path(index, column)
            completed = self.complete_field(column.field, column.details, rows.plan.row_type, path, value)
            if self.is_awaitable(completed):
                waiting.append((index, completed))
            else:
                row[column.name] = completed
        if waiting:
            values = await gather_with_cancel(*(completed for _, completed in waiting))
            for (index, _), value in zip(waiting, values, strict=True):
                rows.results[index][column.name] = value


def model_of(row_type: GraphQLObjectType) -> type | None:
    """The class of the rows of a projection; None for every other type."""
    extensions = row_type.extensions
    if _MODEL not in extensions:
        definition = definition_of(row_type)
        origin = definition.origin if isinstance(definition, StrawberryObjectDefinition) else None
        projected = projected_model(origin)
        extensions[_MODEL] = None if projected is None else (get_origin(projected) or projected)
    return cast("type | None", extensions[_MODEL])


def reader_of(core_field: GraphQLField) -> _Reader | None:
    """How the field is read; None when only graphql-core can execute it."""
    extensions = core_field.extensions
    if _READER not in extensions:
        extensions[_READER] = _make_reader(core_field)
    return cast("_Reader | None", extensions[_READER])


def _make_reader(core_field: GraphQLField) -> _Reader | None:
    declared = definition_of(core_field)
    if not isinstance(declared, StrawberryField) or core_field.args or declared.extensions:
        return None
    relation = declared.metadata.get(Relation)
    if relation is None and declared.base_resolver is not None:
        return None
    get = attrgetter(declared.python_name if relation is None else relation.key)
    kind: Any = core_field.type
    nullable = not isinstance(kind, GraphQLNonNull)
    if relation is not None and not nullable:
        return None
    kind = kind if nullable else kind.of_type
    many = isinstance(kind, GraphQLList)
    if many:
        kind = kind.of_type
        kind = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if isinstance(kind, GraphQLObjectType):
        return _Reader(get, nullable, target=kind, many=many, relation=relation)
    if is_leaf_type(kind) and not many:
        return _Reader(get, nullable, leaf=_coerced_by(kind), relation=relation)
    if relation is not None:
        return _Reader(get, nullable, many=many, relation=relation)
    return None
