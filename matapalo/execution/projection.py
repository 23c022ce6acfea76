"""GraphQL types that are views of a project's models, without a wrapper object per row.

`projection(Thing, name="Thing")` makes a Strawberry type whose plain fields are attributes of ``Thing``: resolvers
return the model itself and graphql-core reads its attributes. `returns` declares the GraphQL type of a resolver
that returns models, so that mypy checks the resolver against what it really returns. Whether model and GraphQL type
agree is checked once, when the schema is built: `matapalo.execution.check`.

Not here: fields that need a load (`matapalo.execution.relation`). A projection is never constructed; doing so raises
``TypeError``.
"""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar, cast, dataclass_transform, get_origin

import strawberry
from strawberry.types.field import StrawberryField

T = TypeVar("T")
Resolver = TypeVar("Resolver", bound=Callable[..., Any])

#: Attribute of a projection class: the model it projects (a class, or an alias such as ``Slice[Order]``).
PROJECTS = "__projects__"


class Returns:
    """Key in a field's metadata: its resolver returns models, see `returns`."""


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field, StrawberryField))
def projection(model: Any, **options: Any) -> Callable[[type[T]], type[T]]:
    """Make the decorated class a GraphQL type that reads its fields from ``model`` objects.

    ``options`` are those of ``strawberry.type``. ``is_type_of`` is always set: unions, interfaces and ``_Entity``
    find the GraphQL type of a struct by it.
    """
    runtime_class = cast(type, get_origin(model) or model)

    def decorate(cls: type[T]) -> type[T]:
        def is_type_of(_cls: type[T], value: object, _info: object) -> bool:
            return isinstance(value, runtime_class)

        setattr(cls, PROJECTS, model)
        cls.is_type_of = classmethod(is_type_of)  # type: ignore[attr-defined]
        made = strawberry.type(cls, **options)
        made.__init__ = _refuse_construction  # type: ignore[method-assign]
        return made

    return decorate


def projected_model(cls: object) -> Any | None:
    """The model a class projects, or None. Not inherited: a subclass has to say itself what it projects."""
    return cls.__dict__.get(PROJECTS) if isinstance(cls, type) else None


def returns(
    graphql_type: Any, *, metadata: Mapping[Any, Any] | None = None, **options: Any
) -> Callable[[Resolver], Resolver]:
    """Like ``strawberry.field(graphql_type=…)``, typed so that the resolver keeps its own signature.

    >>> @returns(WebOrder | None)
    ... def order(self, info: Info, id: strawberry.ID) -> Awaitable[Order | None]: ...
    """

    def decorate(resolver: Resolver) -> Resolver:
        marked = {Returns: True, **(metadata or {})}
        return cast(Resolver, strawberry.field(graphql_type=graphql_type, metadata=marked, **options)(resolver))

    return decorate


def streams(graphql_type: Any, **options: Any) -> Callable[[Resolver], Resolver]:
    """Like `returns`, for a subscription: ``graphql_type`` is that of one event, the resolver returns an iterator."""

    def decorate(resolver: Resolver) -> Resolver:
        made = strawberry.subscription(graphql_type=graphql_type, metadata={Returns: True}, **options)(resolver)
        return cast(Resolver, made)

    return decorate


def _refuse_construction(self: object, *_args: object, **_kwargs: object) -> NoReturn:
    model = getattr(self, PROJECTS)
    name = getattr(model, "__name__", str(model))
    raise TypeError(f"{type(self).__name__} is a projection: return {name} objects instead of constructing it")
