"""Cursors for every edge over cursors for every page: nothing is skipped, nothing comes twice."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff.commerce.pagination import Cursor, PageRequest, Slice, page_request, slice_of
from matapalo.errors import BadUserInput
from matapalo.rest.client import MAX_PAGE, Listing


def read(rows: list[int], page: PageRequest) -> Slice[int]:
    """What a service with these rows answers, cut to what the client asked for."""
    start, limit = int(page.after.upstream or 0), page.limit
    assert 1 <= limit <= MAX_PAGE
    more = len(rows) > start + limit
    return slice_of(Listing(rows[start : start + limit], str(start + limit) if more else None), page)


@given(total=st.integers(0, 350), data=st.data())
def test_pages_from_any_edge_of_any_size_hold_each_row_once(total, data):
    rows = list(range(total))
    seen: list[int] = []
    after: str | None = None
    while True:
        page = read(rows, page_request(data.draw(st.integers(1, MAX_PAGE)), after))
        edges = page.edges
        assert [edge.node for edge in edges] == page.nodes
        assert page.page_info.end_cursor == (edges[-1].cursor if edges else None)
        if not edges:
            break
        stop = data.draw(st.integers(1, len(edges)))
        seen += page.nodes[:stop]
        after = edges[stop - 1].cursor
        assert page.page_info.has_next_page == (page.nodes[-1] < total - 1)
        if stop == len(edges) and not page.page_info.has_next_page:
            break
    assert seen == rows


@given(st.integers(0, MAX_PAGE - 1), st.from_regex(r"[A-Za-z0-9_-]{0,512}", fullmatch=True))
def test_cursors_survive_the_way_to_the_client_and_back(skip, upstream):
    cursor = Cursor(upstream or None, skip)
    assert page_request(None, cursor.encoded()).after == cursor


@given(st.text())
def test_any_text_is_a_cursor_or_bad_input(text):
    with contextlib.suppress(BadUserInput):
        assert page_request(1, text).after.skip < MAX_PAGE


@pytest.mark.parametrize("first", [0, -5, MAX_PAGE + 1])
def test_sizes_out_of_range_are_named(first):
    with pytest.raises(BadUserInput, match=f"first must be 1 to 100, got {first}"):
        page_request(first)
