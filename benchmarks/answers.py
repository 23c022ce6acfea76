"""Do all contestants give the same answer? Without that, faster means nothing: a difference ends the benchmark.

An answer is right when it is 200, has `data` and no `errors`. Two are the same when their `data` are equal, byte for
byte once the keys are sorted; contestants may order keys and write the rest of the envelope as they like.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import orjson

from benchmarks.errors import BenchmarkError


def ask(name: str, port: int, path: str, *, body: bytes, headers: Mapping[str, str]) -> bytes:
    """One request to a contestant, as the load generator sends it; the answer's body. Raises BenchmarkError."""
    url = f"http://127.0.0.1:{port}{path}"
    try:
        answer = httpx.post(url, content=body, headers=headers, timeout=30, trust_env=False)
    except httpx.HTTPError as error:
        raise BenchmarkError(f"{name}, {path}: {type(error).__name__}: {error}") from error
    if answer.status_code != 200:
        raise BenchmarkError(f"{name}, {path}: answered {answer.status_code}: {answer.text[:1000]}")
    return answer.content


def data_of(name: str, answer: bytes) -> Any:
    """``data`` of a contestant's answer without errors. Raises BenchmarkError."""
    decoded = orjson.loads(answer)
    if decoded.get("errors"):
        raise BenchmarkError(f"{name} answers with errors: {orjson.dumps(decoded['errors'][:3]).decode()}")
    if not decoded.get("data"):
        raise BenchmarkError(f"{name} answers without data: {answer[:1000].decode(errors='replace')}")
    return decoded["data"]


def require_equal(workload: str, answers: Mapping[str, bytes]) -> None:
    """Refuse contestants whose ``data`` differ from the first one's, naming the first place. Raises BenchmarkError."""
    (first, expected), *others = ((name, data_of(f"{workload}: {name}", answer)) for name, answer in answers.items())
    for name, data in others:
        if _canonical(data) != _canonical(expected):
            place = next(differences(data, expected, "data"))
            raise BenchmarkError(f"{workload}: {name} does not answer what {first} answers: {place}")


def differences(one: Any, other: Any, path: str) -> Iterator[str]:
    """Where two JSON values differ, as sentences with the path."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            if key in one and key in other:
                yield from differences(one[key], other[key], f"{path}.{key}")
            else:
                yield f"{path}.{key} {'is missing' if key in other else 'should not be there'}"
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            yield from differences(mine, theirs, f"{path}[{index}]")
    elif _canonical(one) != _canonical(other):
        yield f"{path} is {_shortened(one)} and should be {_shortened(other)}"


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _shortened(value: Any) -> str:
    text = _canonical(value).decode()
    return text if len(text) <= 120 else f"{text[:117]}…"
