"""What the console's forms carry: read from the body, checked, refused with a sentence for the person who filled it in.

Bodies are `application/x-www-form-urlencoded`, at most 16 kB. Raises InvalidForm.
"""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.requests import Request

from matapalo.strangler.errors import GatewayError
from matapalo.strangler.routing.route import Side

LONGEST_BODY = 16_384
LONGEST_REASON = 500
MOST_FIELDS = 20


class InvalidForm(GatewayError):
    """A field is missing or makes no sense; the sentence says what to write."""


class Failure(NamedTuple):
    """Which form failed, and why: shown next to its button, with what had been typed."""

    form: str
    sentence: str
    fields: Mapping[str, str]


async def read(request: Request) -> Mapping[str, str]:
    """The fields of a request's body; of a repeated one the last."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_BODY:
            raise InvalidForm("the form is too large")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"))
    except ValueError as error:
        raise InvalidForm("the form is not readable") from error


def writes(form: Mapping[str, str]) -> Side | None:
    """The side that gets the writes; None: they follow the share."""
    text = form.get("writes", "")
    if text not in ("", *Side):
        raise InvalidForm(f"writes go to {text!r}: choose new, legacy, or with the share")
    return Side(text) if text else None


def version(form: Mapping[str, str], field: str) -> int:
    """A version of the table: written by the page itself, never typed."""
    text = form.get(field, "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise InvalidForm(f"the form's {field} is {text!r}, not a version: load the page again")
    return int(text)


def reason(form: Mapping[str, str], *, default: str | None = None) -> str:
    """Why, for the history. Without a ``default`` it must be filled in."""
    text = " ".join(form.get("reason", "").split()) or default
    if not text:
        raise InvalidForm("say why: the reason is kept in the history")
    if len(text) > LONGEST_REASON:
        raise InvalidForm(f"the reason has {len(text)} characters: {LONGEST_REASON} are enough")
    return text
