"""One platform: a data directory and a port offset. Everything else about it follows from these two."""

from dataclasses import dataclass

from matapalo.launcher.datadir import DataDir
from matapalo.launcher.ports import HOST, check_offset

EDGE_PORT = 8080


@dataclass(frozen=True)
class Platform:
    """Where it keeps its data and by how much its ports are shifted."""

    data: DataDir
    offset: int = 0

    def __post_init__(self) -> None:
        check_offset(self.offset)

    def port(self, documented: int) -> int:
        """The port this platform uses for one of the documented ports."""
        return documented + self.offset

    def address(self, documented: int) -> str:
        """`127.0.0.1:PORT`."""
        return f"{HOST}:{self.port(documented)}"

    def url(self, documented: int, path: str = "") -> str:
        """`http://127.0.0.1:PORT/…`."""
        return f"http://{self.address(documented)}{path}"
