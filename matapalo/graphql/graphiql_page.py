"""The GraphiQL page and the files it loads, as HTTP responses (`graphiql/` holds the sources and the built files).

The page is rendered here because it carries a nonce and the client's name; everything else is a file named in
`graphiql/dist/BUILD.json`, and nothing outside that list can be requested. `matapalo.graphql.asgi` decides when: the
page for a GET that prefers ``text/html``, the files under ``<endpoint>/graphiql/<name>``.

Addresses in the page are relative, so that it works at `/graphql` on a BFF and at `/NAME/graphql` behind the edge.
"""

import json
import secrets
from html import escape
from pathlib import Path
from typing import NamedTuple

DIST = Path(__file__).parent / "graphiql" / "dist"

# Monaco sets style attributes (microsoft/monaco-editor#271) and draws squiggles as data: images; it needs no more.
_CSP = (
    "default-src 'none'; script-src 'self'; style-src-elem 'self' 'nonce-{nonce}'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

# The nonce stands on the script only for `graphiql/nonce.js` to find; script-src does not use it.
_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<title>Matapalo · {client}</title>
<link rel="icon" href="data:image/svg+xml,{icon}"><link rel="stylesheet" href="{files}/style.css">
<script type="module" nonce="{nonce}" src="{files}/graphiql.js"></script>
<div id="graphiql" data-client="{client}" data-query="{query}"></div>
</html>
"""

# A leaf of the strangler fig, percent-encoded as a data: address asks for.
_ICON = (
    "%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cpath fill='%230b6b4f' d='M8 0c5 4 6 8 0 15C2 8 3 4 8 0z'/%3E%3Cpath stroke='%23fff' d='M8 4v12'/%3E%3C/svg%3E"
)

_MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".ttf": "font/ttf",
    ".md": "text/markdown; charset=utf-8",
}


class HttpResponse(NamedTuple):
    """An HTTP response in the shape ASGI sends it: lower-case header names, ``content-length`` left to the sender."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class GraphiQLPage:
    """The page of one client. ``default_query`` is what the editor shows before anything has been typed.

    The names of the built files are stable: a browser sends a request each time, and gets 304 while nothing changed.
    """

    def __init__(self, client: str, default_query: str, directory: Path = DIST) -> None:
        record: dict[str, dict[str, str]] = json.loads((directory / "BUILD.json").read_bytes())
        self._client = client
        self._default_query = default_query
        self._directory = directory
        self._tags = {name: f'"{sha256[:32]}"' for name, sha256 in record["built"].items()}

    def render(self, path: str) -> HttpResponse:
        """The page for a GET of ``path`` (as this process sees it), with a nonce of its own."""
        nonce = secrets.token_urlsafe(16)
        last_segment = path.rpartition("/")[2]
        page = _PAGE.format(
            client=escape(self._client),
            query=escape(self._default_query),
            nonce=escape(nonce),
            icon=_ICON,
            files=escape(f"{last_segment}/graphiql" if last_segment else "graphiql"),
        )
        policies = {
            "cache-control": "no-store",
            "content-security-policy": _CSP.format(nonce=nonce),
            "referrer-policy": "no-referrer",
            "vary": "accept",
        }
        return HttpResponse(200, _headers("text/html; charset=utf-8", policies), page.encode())

    def file(self, name: str, if_none_match: str | None) -> HttpResponse:
        """The file called ``name``; 304 when the browser has it, 404 for every name the build did not write."""
        tag = self._tags.get(name)
        if tag is None:
            return HttpResponse(404, _headers("text/plain; charset=utf-8", {}), b"GraphiQL has no such file.\n")
        headers = _headers(_MEDIA_TYPES[Path(name).suffix], {"cache-control": "no-cache", "etag": tag})
        if if_none_match is not None and _matches(if_none_match, tag):
            return HttpResponse(304, headers, b"")
        return HttpResponse(200, headers, (self._directory / name).read_bytes())


def _matches(if_none_match: str, tag: str) -> bool:
    """RFC 9110 §13.1.2: weak comparison (a proxy that compresses makes our tag weak)."""
    tags = [item.strip().removeprefix("W/") for item in if_none_match.split(",")]
    return tag in tags or tags == ["*"]


def _headers(media_type: str, others: dict[str, str]) -> list[tuple[bytes, bytes]]:
    headers = {"content-type": media_type, "x-content-type-options": "nosniff", **others}
    return [(name.encode(), value.encode()) for name, value in headers.items()]
