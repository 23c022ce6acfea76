"""What Envoy says about itself, over its admin socket: which version of each file it obeys, and its statistics.

The socket is answered by Envoy's main thread, which is also the one that reads the files: a busy Envoy answers late.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import httpx

from matapalo.strangler.envoy.listeners import EDGE, INTERNAL, route_file
from matapalo.strangler.errors import EnvoyUnreachable

_STATISTICS = {
    "cluster_manager.cds.version_text": "cds.json",
    "listener_manager.lds.version_text": "lds.json",
    **{f"http.{name}.rds.{name}.version_text": route_file(name) for name in (EDGE, INTERNAL)},
}
_LINE = re.compile(r'^(?P<statistic>\S+): "(?P<version>.*)"$', re.MULTILINE)


class EnvoyAdmin:
    """A client of the admin socket. Close it at the end."""

    def __init__(self, socket: Path, *, timeout_s: float = 10.0) -> None:
        self._socket = socket
        transport = httpx.AsyncHTTPTransport(uds=str(socket.absolute()))
        self._http = httpx.AsyncClient(transport=transport, base_url="http://envoy", timeout=timeout_s, trust_env=False)

    async def live_versions(self) -> Mapping[str, str]:
        """File name to the version Envoy obeys; a file it has not accepted yet is missing. Raises EnvoyUnreachable."""
        text = (await self.read("/stats", filter="version_text$", type="TextReadouts")).decode()
        found = {line["statistic"]: line["version"] for line in _LINE.finditer(text)}
        return {file: found[name] for name, file in _STATISTICS.items() if found.get(name)}

    async def read(self, path: str, **params: str) -> bytes:
        """What the admin interface answers to a GET. Raises EnvoyUnreachable."""
        try:
            response = await self._http.get(path, params=params)
            response.raise_for_status()
        except httpx.HTTPError as error:
            raise EnvoyUnreachable(f"Envoy does not answer on {self._socket}: {error}") from error
        return response.content

    async def reopen_logs(self) -> None:
        """Makes Envoy open its log files again, after one was renamed. Raises EnvoyUnreachable."""
        try:
            (await self._http.post("/reopen_logs")).raise_for_status()
        except httpx.HTTPError as error:
            raise EnvoyUnreachable(f"Envoy does not answer on {self._socket}: {error}") from error

    async def close(self) -> None:
        """Closes the connection."""
        await self._http.aclose()
