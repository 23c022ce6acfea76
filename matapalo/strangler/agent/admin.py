"""Envoy's admin interface on a UNIX socket: the live version of each file, statistics, log files.

Envoy's main thread serves the socket and reads the files, too: a busy Envoy responds late.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import httpx

from matapalo.strangler.envoy.listeners import EDGE, INTERNAL, route_file
from matapalo.strangler.errors import EnvoyUnreachable

STATISTICS = {
    "cluster_manager.cds.version_text": "cds.json",
    "listener_manager.lds.version_text": "lds.json",
    **{f"http.{name}.rds.{name}.version_text": route_file(name) for name in (EDGE, INTERNAL)},
}
"""The text readout with the version of each file."""
_LINE = re.compile(r'^(?P<statistic>\S+): "(?P<version>.*)"$', re.MULTILINE)


class EnvoyAdmin:
    """A client of the admin socket, to be closed at the end. ``transport`` is the seam for tests."""

    def __init__(
        self, socket: Path, *, transport: httpx.AsyncBaseTransport | None = None, timeout_s: float = 10.0
    ) -> None:
        self._socket = socket
        transport = transport or httpx.AsyncHTTPTransport(uds=str(socket.absolute()))
        self._http = httpx.AsyncClient(transport=transport, base_url="http://envoy", timeout=timeout_s, trust_env=False)

    async def live_versions(self) -> Mapping[str, str]:
        """File name to its live version; a file that Envoy has not accepted yet is missing. Raises EnvoyUnreachable."""
        text = (await self.read("/stats", filter="version_text$", type="TextReadouts")).decode()
        readouts = {line["statistic"]: line["version"] for line in _LINE.finditer(text)}
        return {file: readouts[name] for name, file in STATISTICS.items() if readouts.get(name)}

    async def read(self, path: str, **params: str) -> bytes:
        """The body of a page of the interface. Raises EnvoyUnreachable."""
        return await self._send("GET", path, params)

    async def reopen_logs(self) -> None:
        """Make Envoy open its log files again, after one was renamed. Raises EnvoyUnreachable."""
        await self._send("POST", "/reopen_logs", {})

    async def close(self) -> None:
        await self._http.aclose()

    async def _send(self, method: str, path: str, params: Mapping[str, str]) -> bytes:
        try:
            response = await self._http.request(method, path, params=params)
            response.raise_for_status()
        except httpx.HTTPError as error:
            raise EnvoyUnreachable(f"Envoy does not answer on {self._socket}: {error}") from error
        return response.content
