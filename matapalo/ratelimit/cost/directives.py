"""`@cost` and `@listSize`, the directives of IBM's cost specification, as Strawberry schema directives.

``weight`` is an Int, as in Apollo's reading of the specification (`https://specs.apollo.dev/cost`), so that other
gateways can use the SDL. What they mean here is in `matapalo.ratelimit.cost.weights`.
Source: ibm.github.io/graphql-specs/cost-spec.html.
"""

from collections.abc import Sequence

import strawberry
from strawberry.schema_directive import Location


@strawberry.schema_directive(
    name="cost",
    locations=[
        Location.FIELD_DEFINITION,
        Location.OBJECT,
        Location.ENUM,
        Location.SCALAR,
        Location.ARGUMENT_DEFINITION,
        Location.INPUT_FIELD_DEFINITION,
    ],
    description="What a field, a value of a type, or a given argument costs, in points.",
)
class Cost:
    weight: int = strawberry.directive_field(name="weight")


@strawberry.schema_directive(
    name="listSize",
    locations=[Location.FIELD_DEFINITION],
    description="How long lists may be: the largest slicing argument, or as assumed.",
)
class ListSize:
    assumed_size: int | None = strawberry.directive_field(name="assumedSize", default=strawberry.UNSET)
    slicing_arguments: list[str] | None = strawberry.directive_field(name="slicingArguments", default=strawberry.UNSET)
    sized_fields: list[str] | None = strawberry.directive_field(name="sizedFields", default=strawberry.UNSET)
    require_one_slicing_argument: bool | None = strawberry.directive_field(
        name="requireOneSlicingArgument", default=True
    )


def sized(assumed: int, *, by: Sequence[str] = (), fields: Sequence[str] = ()) -> ListSize:
    """A list of at most the largest argument of ``by``; of ``assumed`` when none of them says so.

    With ``fields``, the size is that of these fields of the object, a connection, and not of the field itself.
    """
    if not by:
        return ListSize(assumed_size=assumed, require_one_slicing_argument=strawberry.UNSET)
    return ListSize(
        assumed_size=assumed,
        slicing_arguments=list(by),
        sized_fields=list(fields) or strawberry.UNSET,  # UNSET leaves the argument out
        require_one_slicing_argument=False,
    )
