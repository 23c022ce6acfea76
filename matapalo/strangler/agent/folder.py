"""The folder that Envoy follows, and how a file in it is replaced.

Envoy reacts to a rename within the folder and ignores a write in place (measured on 1.40); a reader never sees half a
file. The folder also keeps the routes document that the files were rendered from and the newest changes that led to it,
so that an agent starts with what was live even when the store is gone, and can give both back to a store that was
emptied. Raises OSError, and InvalidSettings when there can be no such folder.
"""

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from matapalo.strangler.errors import InvalidRoutes, InvalidSettings
from matapalo.strangler.routing.change import Change
from matapalo.strangler.routing.document import RoutesDocument, parse_json, render_json

KEPT_DOCUMENT = "routes.json"
KEPT_HISTORY = "history.json"
MAX_KEPT_CHANGES = 500
_VERSION = re.compile(r'\{"version_info":"([^"]*)"')


class EnvoyFolder:
    """``GATEWAY_ENVOY_DIR``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidSettings([f"the folder {str(path)!r} cannot be made: {error.strerror}"]) from error

    def write(self, name: str, text: str) -> str | None:
        """Replaces a file in one step, unless it already says this. Returns what it said before."""
        before = self._text(name)
        if before != text:
            replace(self.path / name, text)
        return before

    def keep(self, document: RoutesDocument) -> None:
        """Remembers what the files were rendered from."""
        self.write(KEPT_DOCUMENT, render_json(document).decode())

    def kept(self) -> RoutesDocument | None:
        """What the files were rendered from; None when nothing readable is there."""
        text = self._text(KEPT_DOCUMENT)
        try:
            return None if text is None else parse_json(text)
        except InvalidRoutes:
            return None

    def version(self, name: str) -> str | None:
        """The version of a file that Envoy follows, as it is now."""
        found = _VERSION.match(self._text(name) or "")
        return found[1] if found else None

    def remember(self, newest_first: Sequence[Change]) -> None:
        """Adds changes to those that are kept; the oldest are dropped when there are too many."""
        if newest_first:
            kept = [*reversed(self.remembered()), *reversed(newest_first)][-MAX_KEPT_CHANGES:]
            self.write(KEPT_HISTORY, msgspec.json.encode(kept).decode())

    def remembered(self) -> list[Change]:
        """The changes that are kept, newest first."""
        try:
            return msgspec.json.decode(self._text(KEPT_HISTORY) or "[]", type=list[Change])[::-1]
        except msgspec.DecodeError:
            return []

    def _text(self, name: str) -> str | None:
        try:
            return (self.path / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None


def replace(path: Path, text: str) -> None:
    """Writes a temporary file beside ``path`` and renames it over ``path``."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as draft:
        try:
            draft.write(text)
            draft.flush()
            os.fsync(draft.fileno())
            os.fchmod(draft.fileno(), 0o644)  # Envoy may run as another user
            os.replace(draft.name, path)
        except BaseException:
            os.unlink(draft.name)
            raise
