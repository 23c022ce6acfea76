"""A log line is one JSON object that names its operation, whatever is put into it."""

import asyncio
import io
import json
import logging
import sys
from typing import Any

from matapalo.telemetry.logs import JsonLines, bind, writer

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def rendered(record: logging.LogRecord) -> dict[str, Any]:
    text = JsonLines("bff-web").format(record)
    assert "\n" not in text
    line: dict[str, Any] = json.loads(text)
    return line


def record(message: str, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "bff.test", "levelname": "INFO", "msg": message})
    vars(made).update(extra)
    return made


async def test_a_line_names_its_process_and_its_operation() -> None:
    bind("request-1", TRACE)
    line = rendered(record("hello", path=["a", 1]))
    assert (line["process"], line["logger"], line["level"]) == ("bff-web", "bff.test", "info")
    assert (line["request_id"], line["trace_id"]) == ("request-1", TRACE[3:35])
    assert line["path"] == ["a", 1]
    assert line["time"].endswith("Z")


async def test_tasks_of_one_operation_do_not_see_the_id_of_another() -> None:
    async def operation(request_id: str) -> str:
        bind(request_id, TRACE)
        await asyncio.sleep(0)
        bound: str = rendered(record("x"))["request_id"]
        return bound

    assert await asyncio.gather(*(operation(f"request-{index}") for index in range(3))) == [
        "request-0",
        "request-1",
        "request-2",
    ]


def test_tracebacks_and_values_that_are_not_json_stay_on_a_line() -> None:
    try:
        raise ValueError("line one\nline two")
    except ValueError:
        line = rendered(record("failed", exc_info=sys.exc_info(), what={1: object()}))
    assert "ValueError: line one\nline two" in line["traceback"]
    assert "object" in line["what"]["1"]


def test_the_writer_writes_the_same_kind_of_line() -> None:
    stream = io.StringIO()
    writer("bff-web", stream)("operation", {"outcome": "ok", "duration_ms": 1.5})
    line = json.loads(stream.getvalue())
    assert (line["message"], line["level"], line["outcome"]) == ("operation", "info", "ok")
