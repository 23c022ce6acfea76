"""Where a page of a connection ends."""

import strawberry

from bff.commerce.paging import PageInfo
from bff.execution.projection import projection


@projection(PageInfo, name="PageInfo", description="Where a page ends and whether more follows.")
class WebPageInfo:
    has_next_page: bool = strawberry.field(description="Whether there are more nodes after `endCursor`.")
    end_cursor: str | None = strawberry.field(description="Pass it as `after` to get the next page; null for no nodes.")
