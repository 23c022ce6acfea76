"""Commands for a running launcher: one JSON line there, one back, over a UNIX socket in the platform's private folder.

    {"restart": ["envoy", "worker"]}  ->  {"problem": "", "exit_code": 0}

The socket is open while the launcher's event loop runs: before the record calls anything ready. The folder is readable
by its owner only, which is the whole access control.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from matapalo.launcher.errors import CommandError, NotReady, NotRunning
from matapalo.launcher.platform import Platform

Restart = Callable[[Sequence[str]], Awaitable[None]]


@asynccontextmanager
async def listening(platform: Platform, restart: Restart) -> AsyncIterator[None]:
    """Take commands while the block runs."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await restart(json.loads(await reader.readline())["restart"])
            response = {"problem": "", "exit_code": 0}
        except CommandError as error:
            response = {"problem": str(error), "exit_code": error.exit_code}
        except (ValueError, KeyError, TypeError) as error:
            response = {"problem": f"not a command: {error!r}", "exit_code": 1}
        writer.write(json.dumps(response).encode() + b"\n")
        writer.close()

    path = platform.data.control
    path.unlink(missing_ok=True)  # of a launcher that was killed
    server = await asyncio.start_unix_server(handle, path)
    try:
        yield
    finally:
        server.close()


def restart(platform: Platform, names: Sequence[str]) -> None:
    """Have the running launcher restart these processes; return when they are ready again.

    Raises NotRunning, NotReady, and what the launcher refuses.
    """
    if platform.data.holder() is None:
        raise NotRunning(f"no platform runs in {platform.data.root}: start it with `matapalo up`")
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(platform.data.control))
            connection.sendall(json.dumps({"restart": list(names)}).encode() + b"\n")
            line = connection.makefile("rb").readline()
        except OSError:
            raise NotReady("the platform is still starting, or stopping: see `matapalo status`") from None
    if not line:
        raise NotReady("the platform stopped before the restart was complete: see `matapalo logs launcher`")
    response = json.loads(line)
    if response["problem"]:
        error = CommandError(response["problem"])
        error.exit_code = response["exit_code"]
        raise error
