"""Validators of answers."""

from datetime import UTC, datetime

import pytest

from subgraphs.kit.call import etag_of, has_current, to_json

ETAG = etag_of(b"body")


def test_equal_bytes_have_equal_tags_and_other_bytes_have_others() -> None:
    assert etag_of(b"body") == ETAG != etag_of(b"Body")


@pytest.mark.parametrize("header", [ETAG, f"W/{ETAG}", f'"other", {ETAG}', "*"])
def test_a_caller_that_names_the_tag_has_the_current_body(header: str) -> None:
    assert has_current(header, ETAG)


@pytest.mark.parametrize("header", [None, "", '"other"', ETAG.strip('"')])
def test_a_caller_that_does_not_gets_the_body(header: str | None) -> None:
    assert not has_current(header, ETAG)


def test_times_are_utc_to_the_second() -> None:
    assert to_json({"at": datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)}) == b'{"at":"2026-01-02T03:04:05Z"}'
