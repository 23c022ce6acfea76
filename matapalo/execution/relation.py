"""Relations between models, declared on projections: `related(load_owners, key="owner_id")`.

A relation is a plain Strawberry field with metadata: stock graphql-core resolves it parent by parent (the request's
`Loads` batch them), a compiled executor may find `Relation` in the metadata and resolve a whole level at once, as long
as the field has no extensions. To-one loads return ``T | None`` per key, to-many loads a list per key. GraphQL
arguments come from the keyword-only parameters of the load; annotate ``first: int | None = 20`` to get ``Int = 20``.

A load is ``async def load(context, keys, *, …) -> Sequence[value]``: one value per key, in order, an ``Exception`` in
the place of a key that failed.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature, signature
from operator import attrgetter
from typing import Annotated, Any

import strawberry
from strawberry import Info, Parent

_ANY_PARENT: Any = Parent[Any]  # type: ignore[misc]  # mypy takes the alias for a type application

Load = Callable[..., Awaitable[Sequence[Any]]]

_NO_DESCRIPTIONS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Relation:
    """What `related` declared. Also the key under which it is found in the field's metadata."""

    load: Load
    key: str


def related(load: Load, /, *, key: str, arguments: Mapping[str, str] = _NO_DESCRIPTIONS, **options: Any) -> Any:
    """A field whose value is loaded by the parent's attribute ``key``; None there means null without a load.

    ``arguments`` describes the GraphQL arguments, by their Python names; ``options`` are those of ``strawberry.field``.
    Typed ``Any``, so that the annotation of the field decides.
    """
    key_of = attrgetter(key)
    parameters = [p for p in signature(load).parameters.values() if p.kind is Parameter.KEYWORD_ONLY]
    defaults = {p.name: p.default for p in parameters if p.default is not Parameter.empty}

    def resolve(parent: Any, info: Any, **passed: Any) -> Any:
        value = key_of(parent)
        return None if value is None else info.context.loads.one(load, value, defaults | passed)

    resolve.__name__ = f"related_by_{key}"
    resolve.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            Parameter("parent", Parameter.POSITIONAL_OR_KEYWORD, annotation=_ANY_PARENT),
            Parameter("info", Parameter.POSITIONAL_OR_KEYWORD, annotation=Info),
            *(_described(p, arguments.get(p.name)) for p in parameters),
        ]
    )
    return strawberry.field(resolver=resolve, metadata={Relation: Relation(load, key)}, **options)


def _described(parameter: Parameter, description: str | None) -> Parameter:
    if description is None:
        return parameter
    annotation: Any = parameter.annotation
    return parameter.replace(annotation=Annotated[annotation, strawberry.argument(description=description)])
