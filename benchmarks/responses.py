"""Do all contestants give the same response? Without that, faster means nothing: a difference ends the benchmark.

A response is right when it is 200, has `data` and no `errors`. Two are the same when their `data` are equal, byte for
byte once the keys are sorted; contestants may order keys and write the rest of the envelope as they like.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import orjson

from benchmarks.errors import BenchmarkError


def fetch(name: str, port: int, path: str, *, body: bytes, headers: Mapping[str, str]) -> bytes:
    """One request to a contestant, as the load generator sends it; the response's body. Raises BenchmarkError."""
    url = f"http://127.0.0.1:{port}{path}"
    try:
        response = httpx.post(url, content=body, headers=headers, timeout=30, trust_env=False)
    except httpx.HTTPError as error:
        raise BenchmarkError(f"{name}, {path}: {type(error).__name__}: {error}") from error
    if response.status_code != 200:
        raise BenchmarkError(f"{name}, {path}: status {response.status_code}: {response.text[:1000]}")
    return response.content


def data_of(name: str, body: bytes) -> Any:
    """``data`` of a contestant's response without errors. Raises BenchmarkError."""
    decoded = orjson.loads(body)
    if decoded.get("errors"):
        raise BenchmarkError(f"{name} responds with errors: {orjson.dumps(decoded['errors'][:3]).decode()}")
    if not decoded.get("data"):
        raise BenchmarkError(f"{name} responds without data: {body[:1000].decode(errors='replace')}")
    return decoded["data"]


def require_equal(workload: str, bodies: Mapping[str, bytes]) -> None:
    """Refuse contestants whose ``data`` differ from the first one's, naming the first place. Raises BenchmarkError."""
    (first, expected), *others = ((name, data_of(f"{workload}: {name}", body)) for name, body in bodies.items())
    for name, data in others:
        if _canonical(data) != _canonical(expected):
            place = next(differences(data, expected, "data"))
            raise BenchmarkError(f"{workload}: {name} does not respond as {first}: {place}")


def differences(value: Any, other: Any, path: str) -> Iterator[str]:
    """Where two JSON values differ, as sentences with the path."""
    if isinstance(value, dict) and isinstance(other, dict):
        for key in sorted(value.keys() | other.keys()):
            if key in value and key in other:
                yield from differences(value[key], other[key], f"{path}.{key}")
            else:
                yield f"{path}.{key} {'is missing' if key in other else 'should not be there'}"
    elif isinstance(value, list) and isinstance(other, list) and len(value) == len(other):
        for index, (mine, theirs) in enumerate(zip(value, other, strict=True)):
            yield from differences(mine, theirs, f"{path}[{index}]")
    elif _canonical(value) != _canonical(other):
        yield f"{path} is {_shortened(value)} and should be {_shortened(other)}"


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _shortened(value: Any) -> str:
    text = _canonical(value).decode()
    return text if len(text) <= 120 else f"{text[:117]}…"
