"""Which response a client gets for what it accepts."""

import pytest

from matapalo.graphql.negotiation import accepted_types

NEWER, OLDER = "application/graphql-response+json", "application/json"


@pytest.mark.parametrize(
    ("accept", "single"),
    [
        (None, OLDER),
        ("", OLDER),
        ("*/*", OLDER),
        ("application/*", OLDER),
        (OLDER, OLDER),
        (NEWER, NEWER),
        ("application/graphql-response+json; charset=utf-8", NEWER),
        ("Application/GraphQL-Response+JSON", NEWER),
        (f"{NEWER}, {OLDER}", NEWER),
        (f"{OLDER}, {NEWER}", NEWER),
        (f"{NEWER};q=0.5, {OLDER}", OLDER),
        (f"{NEWER}, {OLDER};q=0.9", NEWER),
        (f"{OLDER};q=0, */*", None),
        (f"{NEWER};q=0, */*", OLDER),
        (f"{NEWER};q=0, {OLDER};q=0", None),
        (f"{OLDER};q=nonsense", None),
        (f"{OLDER};q=7", None),
        ("text/event-stream", None),
        ("text/html", None),
        ("application/xml", None),
        ("application/xml, */*;q=0.1", OLDER),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", OLDER),
        (",,;;q", None),
    ],
)
def test_a_single_answer_has_the_media_type_that_weighs_most(accept: str | None, single: str | None) -> None:
    assert accepted_types(accept).single == single


@pytest.mark.parametrize(
    ("accept", "stream", "prefers"),
    [
        ("*/*", False, False),
        ("text/event-stream", True, True),
        ("text/event-stream, application/json", True, False),
        ("text/event-stream, application/json;q=0.5", True, True),
        ("text/event-stream;q=0", False, False),
    ],
)
def test_a_stream_must_be_named(accept: str, stream: bool, prefers: bool) -> None:
    accepted = accepted_types(accept)
    assert (accepted.stream, accepted.prefers_stream) == (stream, prefers)


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        (None, False),
        ("*/*", False),
        ("text/html", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("application/json, text/html;q=0.9", False),
    ],
)
def test_a_page_must_be_named_and_preferred(accept: str | None, page: bool) -> None:
    assert accepted_types(accept).page is page
