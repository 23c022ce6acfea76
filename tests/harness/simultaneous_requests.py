"""Many identical requests at the same moment, so cheap for the sender that the servers get the processor.

A connection a request, opened before any is sent; no redirects, no compression, no reuse.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

DEADLINE_S = 30.0


class JsonResponse(NamedTuple):
    """A response in JSON; header names are lower-case."""

    status: int
    headers: dict[str, str]
    body: Any

    def json(self) -> Any:
        return self.body


async def post_at_once(urls: Sequence[str], body: object, headers: dict[str, str]) -> list[JsonResponse]:
    """POST ``body`` to each of ``urls`` at once; the responses in their order."""
    content = json.dumps(body).encode()
    async with asyncio.timeout(DEADLINE_S):
        connections = await asyncio.gather(*(_connect(url) for url in urls))
        for (_, writer), url in zip(connections, urls, strict=True):
            writer.write(_request(url, content, headers))
        return await asyncio.gather(*(_response(*connection) for connection in connections))


async def _connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


def _request(url: str, content: bytes, headers: dict[str, str]) -> bytes:
    parts = urlsplit(url)
    sent = {
        "host": parts.netloc,
        "content-type": "application/json",
        "content-length": str(len(content)),
        "connection": "close",
        **headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    return f"POST {parts.path} HTTP/1.1\r\n{lines}\r\n".encode() + content


async def _response(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> JsonResponse:
    head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
    writer.close()
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return JsonResponse(int(first.split(" ")[1]), headers, json.loads(body))
