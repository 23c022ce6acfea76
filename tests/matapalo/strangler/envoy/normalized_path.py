"""The spelling of a path that routes see: the twin of what Envoy makes of `:path` (RFC 3986 §6, as Chromium does).

The query is left alone. None: Envoy refuses such a path with 400.
"""

import re

_UNRESERVED = re.compile(r"%(4[1-9a-fA-F]|5[0-9aA]|6[1-9a-fA-F]|7[0-9aA]|3[0-9]|2[dDeE]|5[fF]|7[eE])")
_ESCAPED_SLASH = re.compile(r"%(2f|5c)", re.IGNORECASE)
_DOTS_WITH_PARAMETERS = re.compile(r"(?<=/)(\.{1,2});[^/]*")
_ESCAPED = re.compile(r'["<>^`{|}]')


def normalized(path: str) -> str | None:
    """The path as routes see it; None when it is refused."""
    if "#" in path:
        return None
    bare, mark, query = path.partition("?")
    if _ESCAPED_SLASH.search(bare):
        return None
    bare = _DOTS_WITH_PARAMETERS.sub(r"\1", bare)
    if "%00" in bare:
        return None
    bare = _without_dots(_unescaped(bare.replace("\\", "/")).split("/")[1:])
    bare = _ESCAPED.sub(lambda match: f"%{ord(match[0]):02X}", bare)
    return re.sub("/{2,}", "/", bare) + mark + query


def _unescaped(text: str) -> str:
    return _UNRESERVED.sub(lambda match: chr(int(match[1], 16)), text)


def _without_dots(segments: list[str]) -> str:
    path: list[str] = []
    for segment in segments:
        if segment == ".." and path:
            path.pop()
        if segment not in (".", ".."):
            path.append(segment)
    if segments[-1] in (".", ".."):
        path.append("")
    return "/" + "/".join(path)
