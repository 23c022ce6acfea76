"""Lists with cursors, as both clients see them, over lists with cursors, as the services have them.

The services hand out one cursor for each page, clients may ask for one for each edge: ours is the service's cursor of
the page together with the number of rows to skip there. A page after an edge in the middle may therefore hold fewer
rows than asked for, never too many, and never none while there are more. Cursors are opaque: base64url of
``skip:cursor``.

Raises `BadUserInput` naming argument and value for a size or a cursor that cannot be.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from matapalo import MAX_PAGE, BadUserInput, Listing, RestClient, UpstreamRejected

T = TypeVar("T")

DEFAULT_FIRST = 20
LONGEST_TEXT = 100
_CURSOR = re.compile(r"(\d{1,3}):([A-Za-z0-9_-]{0,512})")
_LONGEST_ECHO = 60


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list: ``skip`` rows into the page at ``upstream`` (None: the first page)."""

    upstream: str | None = None
    skip: int = 0

    def encoded(self) -> str:
        """The opaque form that clients see."""
        return urlsafe_b64encode(f"{self.skip}:{self.upstream or ''}".encode()).decode().rstrip("=")


class PageInfo(msgspec.Struct, frozen=True):
    """Where a page ends."""

    has_next_page: bool
    end_cursor: str | None


class Edge(msgspec.Struct, Generic[T], frozen=True):
    """A row and its place in the list."""

    cursor: str
    node: T


class Slice(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list. ``start`` is the cursor it was asked with."""

    nodes: list[T]
    start: Cursor
    page_info: PageInfo

    @property
    def edges(self) -> list[Edge[T]]:
        """The rows, each with a cursor after which the list goes on."""
        first = self.start.skip + 1
        cursors = [Cursor(self.start.upstream, first + index).encoded() for index in range(len(self.nodes))]
        if self.page_info.end_cursor is not None:
            cursors[-1] = self.page_info.end_cursor
        return [Edge(cursor, node) for cursor, node in zip(cursors, self.nodes, strict=True)]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The page a client asks for: ``first`` rows after ``after``."""

    first: int
    after: Cursor = Cursor()

    @property
    def limit(self) -> int:
        """How many rows the service has to be asked for."""
        return min(self.first + self.after.skip, MAX_PAGE)


def page_request(first: int | None, after: str | None = None) -> PageRequest:
    """The checked arguments of a list field."""
    return PageRequest(checked_first(first), _decoded(after))


def checked_first(first: int | None, *, default: int = DEFAULT_FIRST) -> int:
    """``first``, which must be 1 to 100; None takes the default."""
    if first is None:
        return default
    if not 1 <= first <= MAX_PAGE:
        raise BadUserInput(f"first must be 1 to {MAX_PAGE}, got {first}", argument="first", value=first)
    return first


def checked_text(name: str, text: str | None) -> str | None:
    """The argument ``name`` without surrounding blanks, at most `LONGEST_TEXT` characters; None for nothing."""
    text = text.strip() if text is not None else None
    if not text:
        return None
    if len(text) > LONGEST_TEXT:
        message = f"{name} has {len(text)} characters, at most {LONGEST_TEXT} are allowed"
        raise BadUserInput(message, argument=name, value=_echoed(text))
    if not text.isprintable():
        raise BadUserInput(f"{name} holds control characters", argument=name, value=_echoed(text))
    return text


def slice_of(listing: Listing[T], page: PageRequest) -> Slice[T]:
    """What of a service's page the client asked for."""
    start = page.after
    nodes = listing.items[start.skip : start.skip + page.first]
    taken = start.skip + len(nodes)
    ends_page = taken >= len(listing.items)
    end = Cursor(listing.next_cursor) if ends_page and listing.next_cursor else Cursor(start.upstream, taken)
    return Slice(
        nodes=nodes,
        start=start,
        page_info=PageInfo(
            has_next_page=listing.next_cursor is not None or not ends_page,
            end_cursor=end.encoded() if nodes else None,
        ),
    )


async def read_slice(
    rest: RestClient, path: str, page: PageRequest, filters: Mapping[str, str | None], *, into: type[T]
) -> Slice[T]:
    """One page of the list at ``path``."""
    params = {**filters, "limit": page.limit, "cursor": page.after.upstream}
    try:
        listing = await rest.get(path, params, into=Listing[into])  # type: ignore[valid-type]
    except UpstreamRejected as error:
        if page.after.upstream is not None and "cursor" in _rejected_fields(error):
            raise _bad_cursor(page.after.encoded()) from error
        raise
    return slice_of(listing, page)


def _decoded(after: str | None) -> Cursor:
    if after is None:
        return Cursor()
    try:
        text = urlsafe_b64decode(after + "=" * (-len(after) % 4)).decode("ascii")
    except ValueError as error:
        raise _bad_cursor(after) from error
    match = _CURSOR.fullmatch(text)
    if match is None or int(match[1]) >= MAX_PAGE:
        raise _bad_cursor(after)
    return Cursor(match[2] or None, int(match[1]))


def _bad_cursor(after: str) -> BadUserInput:
    value = _echoed(after)
    return BadUserInput(f"after is no cursor of this list: {value}", argument="after", value=value)


def _echoed(value: str) -> str:
    return value if len(value) <= _LONGEST_ECHO else value[:_LONGEST_ECHO] + "…"


def _rejected_fields(error: UpstreamRejected) -> set[str]:
    errors = error.problem.members.get("errors")
    return {str(e.get("field")) for e in errors if isinstance(e, dict)} if isinstance(errors, list) else set()
