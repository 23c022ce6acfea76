"""Types every service's contract is made of: ids, money, paging parameters, batches of ids. Shapes only, no I/O.

Outgoing types are `TypedDict`s: pydantic reads them for the OpenAPI contract, and at run time they are plain dicts
that orjson writes without another pass. Incoming bodies are `Body` models: strict, frozen, no unknown members.
"""

import re
from typing import Annotated, Any

from fastapi import Depends, Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from typing_extensions import TypedDict

from subgraphs.kit.problem import InvalidParameter

ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
MOST_IDS = 200
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
PathId = Annotated[str, Path(pattern=ID_PATTERN)]
"""An id in a path, as the monolith declares it. The contract, and so the example in it, is the services'."""
QueryId = Annotated[str, Query(pattern=ID_PATTERN, examples=["cust_0001"])]
CustomerFilter = Annotated[
    str | None,
    Query(pattern=ID_PATTERN, description="Only of this customer; a foreign id is 404.", examples=["cust_0001"]),
]
Limit = Annotated[int, Query(ge=1, le=100, description="At most so many items.")]
Cursor = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=512,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="`next_cursor` of the page before.",
    ),
]
# Control characters are refused everywhere: PostgreSQL stores no NUL, and none of them belongs in a name.
TEXT_PATTERN = r"^[^\x00-\x1f\x7f]+$"
Search = Annotated[
    str | None,
    Query(min_length=1, max_length=100, pattern=TEXT_PATTERN, description="Part of a name; case is ignored."),
]


def example_id(example: str) -> Any:
    """The declaration of an id in a path, with one that the seed has."""
    return Path(pattern=ID_PATTERN, description="One that is not the caller's does not exist.", examples=[example])


class Money(TypedDict):
    """An amount in minor units (cents). Never a float."""

    amount_minor: Annotated[int, Field(examples=[1999])]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$", examples=["EUR"])]


class Body(BaseModel):
    """Base of request bodies: what is not declared is an error, and nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _whole(value: object) -> object:
    """JSON knows one kind of number: 2.0 is the integer 2."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)


class EmptyBody(Body):
    """A write that needs no arguments beyond its path."""


def parse_ids(text: str, name: str = "ids") -> tuple[str, ...]:
    """The ids of a batch, each once, in the order first named; raises `InvalidParameter` naming what is wrong."""
    ids = tuple(dict.fromkeys(text.split(",")))
    if len(ids) > MOST_IDS:
        raise InvalidParameter.field(name, len(ids), f"at most {MOST_IDS} ids")
    for item_id in ids:
        if not _ID.fullmatch(item_id):
            raise InvalidParameter.field(name, item_id, "an id is 1 to 64 of A-Z a-z 0-9 _ -")
    return ids


def comma_separated(description: str, *examples: str) -> dict[str, object]:
    """The OpenAPI schema of a batch parameter; `kit/openapi.py` adds `style: form, explode: false`."""
    return {
        "type": "array",
        "items": {"type": "string", "pattern": ID_PATTERN},
        "minItems": 1,
        "maxItems": MOST_IDS,
        "description": description,
        **({"examples": [list(examples)]} if examples else {}),
    }


async def _ids(
    ids: Annotated[
        str | None,
        Query(json_schema_extra=comma_separated("A batch: exactly these, in any order; missing ones are absent.")),
    ] = None,
) -> tuple[str, ...] | None:
    return None if ids is None else parse_ids(ids)


async def _order_ids(
    order_ids: Annotated[str | None, Query(json_schema_extra=comma_separated("Only of these orders."))] = None,
) -> tuple[str, ...] | None:
    return None if order_ids is None else parse_ids(order_ids, "order_ids")


async def _customer_ids(
    customer_ids: Annotated[
        str, Query(json_schema_extra=comma_separated("These customers; foreign ones are absent.", "cust_0001"))
    ],
) -> tuple[str, ...]:
    return parse_ids(customer_ids, "customer_ids")


Ids = Annotated[tuple[str, ...] | None, Depends(_ids)]
OrderIds = Annotated[tuple[str, ...] | None, Depends(_order_ids)]
CustomerIds = Annotated[tuple[str, ...], Depends(_customer_ids)]

Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=TEXT_PATTERN)]
