"""One JSON object a line on stderr, each with the request id and trace id of the operation it belongs to.

`configure` once per process; `bind` once per operation (a context variable: tasks started later inherit it). Values
given as ``extra=`` become members. What is written for every operation goes straight to the stream: the logging module
costs five times as much. Nothing here knows what is logged.
"""

import logging
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson

Write = Callable[[str, Mapping[str, Any]], None]

_operation: ContextVar[tuple[str, str] | None] = ContextVar("operation", default=None)

# What the logging module itself puts on a record: everything else came in as ``extra``.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


def bind(request_id: str, traceparent: str) -> None:
    """Name the operation that the current task works for."""
    _operation.set((request_id, traceparent[3:35]))


def configure(process: str, *, level: int = logging.INFO, stream: TextIO = sys.stderr) -> None:
    """Send every logger's records to ``stream`` as JSON lines that name ``process``."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # httpx tells of every request at INFO; the fetch metrics do, too.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def writer(process: str, stream: TextIO = sys.stderr) -> Write:
    """Writes INFO lines without the logging module: a message and its members."""

    def write(message: str, members: Mapping[str, Any]) -> None:
        line = _line(datetime.now(UTC), "info", process, "matapalo.graphql", message)
        line.update(members)
        stream.write(f"{_encoded(line)}\n")
        stream.flush()

    return write


class JsonLines(logging.Formatter):
    """Renders a record as one line of JSON: time, level, process, logger, message, ids, extras, traceback."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Render; a member that is not JSON becomes its ``repr``."""
        moment = datetime.fromtimestamp(record.created, UTC)
        line = _line(moment, record.levelname.lower(), self._process, record.name, record.getMessage())
        line.update((name, value) for name, value in vars(record).items() if name not in _OWN)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _encoded(line)


def _line(moment: datetime, level: str, process: str, logger: str, message: str) -> dict[str, Any]:
    line: dict[str, Any] = {"time": moment, "level": level, "process": process, "logger": logger, "message": message}
    if (operation := _operation.get()) is not None:
        line["request_id"], line["trace_id"] = operation
    return line


def _encoded(line: dict[str, Any]) -> str:
    return orjson.dumps(line, default=repr, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS).decode()
