"""Where a page of a connection ends."""

import strawberry

from bff.commerce.pagination import PageInfo
from matapalo import Cost, projection, sized

#: A connection is as long as it was asked to be; its edges cost what their nodes cost.
PAGED = sized(20, by=["first"], fields=["edges", "nodes"])
PART_OF_A_LIST = Cost(weight=0)


@projection(
    PageInfo,
    name="PageInfo",
    description="Where a page ends and whether more follows.",
    directives=[PART_OF_A_LIST],
)
class WebPageInfo:
    has_next_page: bool = strawberry.field(description="Whether there are more nodes after `endCursor`.")
    end_cursor: str | None = strawberry.field(description="Pass it as `after` to get the next page; null for no nodes.")
