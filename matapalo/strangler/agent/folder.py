"""The folder that Envoy follows, and how a file in it is replaced.

It also holds the routes document that the files were rendered from and the newest changes that led to it, so that an
agent starts with what was live even when the store is down, and can restore both to a store that was emptied. Raises
OSError, and InvalidSettings when there can be no such folder.
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

DOCUMENT = "routes.json"
HISTORY = "history.json"
MAX_CHANGES = 500
"""Of the history; older ones are dropped."""
_VERSION = re.compile(r'\{"version_info":"([^"]*)"')


class EnvoyFolder:
    """The folder of one Envoy, created when it does not exist."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidSettings([f"the folder {str(path)!r} cannot be made: {error.strerror}"]) from error

    def write(self, name: str, text: str) -> str | None:
        """Replace a file in one step, unless this is its text. Returns the text before."""
        before = self._text(name)
        if before != text:
            replace(self.path / name, text)
        return before

    def save_document(self, document: RoutesDocument) -> None:
        self.write(DOCUMENT, render_json(document).decode())

    def document(self) -> RoutesDocument | None:
        """The document that the files were rendered from; None when there is none that can be read."""
        text = self._text(DOCUMENT)
        try:
            return None if text is None else parse_json(text)
        except InvalidRoutes:
            return None

    def version(self, name: str) -> str | None:
        """The version in a file that Envoy follows."""
        head = _VERSION.match(self._text(name) or "")
        return head[1] if head else None

    def extend_history(self, newest_first: Sequence[Change]) -> None:
        if newest_first:
            history = [*reversed(self.history()), *reversed(newest_first)][-MAX_CHANGES:]
            self.write(HISTORY, msgspec.json.encode(history).decode())

    def history(self) -> list[Change]:
        """The newest changes, in that order."""
        try:
            return msgspec.json.decode(self._text(HISTORY) or "[]", type=list[Change])[::-1]
        except msgspec.DecodeError:
            return []

    def _text(self, name: str) -> str | None:
        try:
            return (self.path / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None


def replace(path: Path, text: str) -> None:
    """Write a temporary file beside ``path`` and rename it over ``path``."""
    # Envoy reacts to a rename within the folder and ignores a write in place (measured on 1.40); and no reader ever
    # sees half a file.
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
