"""The JSON that Envoy's xDS files are made of: dicts on purpose (docs/decisions/0050). Envoy 1.40's v3 API."""

from typing import Any, TypeAlias, cast

import msgspec

Json: TypeAlias = dict[str, Any]
CACHED = 4_096
"""The fragments a cache holds: more than a table has routes."""


def fragment(value: Json) -> Json:
    """The value already as text: to be put into a larger value, and never read again.

    What depends on one route is cached in this form, so that a change of one route does not render the others again.
    """
    return cast("Json", msgspec.Raw(msgspec.json.encode(value)))


def typed(message: str, **fields: Any) -> Json:
    """A message inside a `google.protobuf.Any`, which names its type."""
    return {"@type": f"type.googleapis.com/{message}", **fields}


def extension(name: str, message: str, **fields: Any) -> Json:
    """A `TypedExtensionConfig`: an extension of Envoy and its configuration."""
    return {"name": name, "typed_config": typed(message, **fields)}


def set_header(key: str, value: str) -> Json:
    """A `HeaderValueOption` that replaces the header."""
    return {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def address(host: str, port: int) -> Json:
    """An `Address` whose protocol is TCP."""
    return {"socket_address": {"address": host, "port_value": port}}
