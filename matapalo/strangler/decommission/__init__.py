"""The proof that no caller needs the legacy side of a route any more, and its removal."""
