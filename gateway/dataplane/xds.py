"""The JSON that Envoy's xDS files are made of. Field names and types: Envoy 1.40's v3 API."""

from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


def typed(message: str, **fields: Any) -> Json:
    """A message inside a `google.protobuf.Any`, which names its type."""
    return {"@type": f"type.googleapis.com/{message}", **fields}


def extension(name: str, message: str, **fields: Any) -> Json:
    """A `TypedExtensionConfig`: an extension of Envoy and its configuration."""
    return {"name": name, "typed_config": typed(message, **fields)}


def set_header(key: str, value: str) -> Json:
    """A `HeaderValueOption` that replaces whatever is there."""
    return {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def address(host: str, port: int) -> Json:
    """A TCP `Address`."""
    return {"socket_address": {"address": host, "port_value": port}}
