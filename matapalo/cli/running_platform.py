"""A running development platform, for commands of a project: addresses, tokens, and GraphQL through the edge."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from matapalo.cli.options import started_platform
from matapalo.launcher import keys
from matapalo.launcher.errors import CommandError, NotRunning
from matapalo.launcher.keys import Role, Tier

TIMEOUT_S = 10
READ_TIMEOUT_S = 60  # a stream sends something every 12 s


class RunningPlatform:
    """The platform whose data is in ``data_dir``. Raises `CommandError`, and NotRunning when nothing listens."""

    def __init__(self, data_dir: Path) -> None:
        self._platform = started_platform(data_dir)

    def url(self, path: str) -> str:
        """An address behind the edge."""
        from matapalo.launcher.platform import EDGE_PORT

        return self._platform.url(EDGE_PORT, path)

    def token(self, subject: str, *, role: Role = Role.CUSTOMER, tier: Tier = Tier.ENTERPRISE) -> str:
        """A development token that lives for twelve hours."""
        return keys.token(self._platform.data.keys, subject=subject, tier=tier, role=role)

    def query(self, client: str, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The response of a client's schema to an operator: ``data`` and perhaps ``errors``."""
        import httpx

        try:
            response = httpx.post(
                self._endpoint(client),
                json={"query": document, "variables": variables},
                headers=self._headers(),
                timeout=TIMEOUT_S,
                trust_env=False,
            )
            result: dict[str, Any] = response.json()
        except httpx.TransportError:
            raise self._not_running(client) from None
        except ValueError as error:
            raise CommandError(f"{self._endpoint(client)} sent something unreadable: {error}") from None
        return result

    def events(self, client: str, document: str, variables: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The responses of a subscription, by server-sent events until it ends."""
        import httpx

        try:
            with (
                httpx.Client(timeout=httpx.Timeout(TIMEOUT_S, read=READ_TIMEOUT_S), trust_env=False) as http,
                http.stream(
                    "POST",
                    self._endpoint(client),
                    json={"query": document, "variables": variables},
                    headers=self._headers() | {"accept": "text/event-stream"},
                ) as response,
            ):
                for text in response.iter_lines():
                    if text.startswith("data:") and (result := text.removeprefix("data:").strip()):
                        yield json.loads(result)
        except httpx.TransportError:
            raise self._not_running(client) from None

    def _endpoint(self, client: str) -> str:
        return self.url(f"/{client}/graphql")

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token('matapalo', role=Role.OPERATOR)}"}

    def _not_running(self, client: str) -> NotRunning:
        return NotRunning(f"nothing responds on {self._endpoint(client)}: start the platform with `matapalo up`")
