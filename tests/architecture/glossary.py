"""The field's words: what names, docstrings and texts may not say, and what to write instead.

    python -m tests.architecture.glossary [PATH …]

prints every place below the paths (default: the repository) that breaks a rule, one a line. `test_glossary.py` asserts
that there is none. A name is split into its words first: ``OrderAnswer`` and ``order_answer`` both contain `answer`.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("matapalo", "bff", "subgraphs", "tests", "benchmarks", "docs", "schema", "README.md")
TEXTS = (".md", ".html", ".graphql", ".toml")
LONGEST_TEST_NAME = 60
SHORTEST_DOCSTRING = 4
#: These two name the words.
OWN = ("glossary.py", "test_glossary.py")
BUILT = ("graphiql/dist/", "graphiql/package-lock.json", "static/uplot/", "node_modules/")

#: In names, wherever they stand.
WORDS: Mapping[str, str] = {
    "answer": "response or result",
    "arrival": "request",
    "reply": "response",
    "admitted": "prepared operation",
    "recall": "check the denial cache",
    "armour": "document limits, query complexity",
    "sealed": "encrypted",
    "sealer": "cipher",
    "wish": "input or request",
    "letter": "email, message, template",
    "patience": "timeout",
    "patiently": "the retry policy's name",
    "stubbornly": "retry forever",
    "unhurriedly": "the retry policy's name",
    "insist": "run until success",
    "undo": "compensate",
    "undoing": "compensation, compensating",
    "undone": "compensated",
    "truth": "source of truth",
    "journal": "history, event log",
    "diary": "history, event log",
    "watcher": "metrics collector",
    "watching": "metrics reader",
    "watched": "metrics",
    "retirement": "decommission",
    "entrance": "login",
    "obeys": "is current",
    "hears": "is alive",
    "lacks": "missing",
    "meddled": "external change, conflict",
    "heed": "acknowledge",
    "unheeded": "unacknowledged",
    "somebody": "the client, the caller",
    "nobody": "anonymous, no subject",
    "whoever": "the client, the caller",
    "trouble": "error",
}
#: In the names of one folder only, because the word has another meaning elsewhere.
WORDS_BELOW: Mapping[str, Mapping[str, str]] = {
    "matapalo/ratelimit": {
        "place": "permit, lease",
        "verdict": "decision",
        "refusal": "denial",
        "following": "tier reloader",
    },
    "matapalo/graphql": {"exchange": "request", "gates": "pipeline"},
    "matapalo/idempotency": {"once": "run_idempotent"},
    "matapalo/workflows": {"once": "idempotency key"},
}
#: As the name of a variable, an argument or an attribute that outlives its line.
VARIABLES: Mapping[str, str] = dict.fromkeys(
    ("found", "one", "each", "known", "wanted", "shown", "kept", "given", "asked", "told", "here", "remembered"),
    "the noun: `route`, `policy`, `rows_by_id`",
)
#: Modules are nouns of the field: no participles, no metaphors.
PARTICIPLE = re.compile(r"(?:^|_)[a-z]+ing$")
NOUNS_IN_ING = frozenset({"routing", "shipping", "onboarding", "formatting", "rendering", "testing"})
METAPHORS = frozenset(
    {"face", "cells", "pairs", "figures", "doors", "board", "letters", "once", "watched", "books", "stand", "scene"}
    | {"tiny", "small", "burst", "suite", "here", "world"}
)
#: In docstrings, comments, descriptions and pages.
PROSE: Mapping[str, str] = {
    r"\b(some|no|any|every)body\b": "the client, the caller, anonymous, nothing",
    r"\bwhoever\b": "the client, the caller",
    r"\btime-outs?\b": "timeout",
    r"\barmour\b": "document limits",
    r"\b(an|the|its|no|this|that|each|every|whole|same) answers?\b": "response, result",
    r"\b(a|the) reply\b": "response",
    r"\bundoing\b": "compensation",
    r"\bask(s|ed|ing)? the truth\b": "source of truth",
    r"\bletters?\b(?! of the alphabet|s? and digits|, digits)": "email, message",
}
_PROSE = {re.compile(pattern, re.IGNORECASE): instead for pattern, instead in PROSE.items()}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def violations(path: Path) -> Iterator[str]:
    """Each broken rule of one file, as `file:line: what stands there: what to write`."""
    name = path.relative_to(ROOT).as_posix()
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        yield from _module_name(name, path.stem)
        nodes = list(ast.walk(ast.parse(text)))
        for line, message in sorted({*_names(name, nodes), *_variables(nodes), *_tests(nodes), *_docstrings(nodes)}):
            yield f"{name}:{line}: {message}"
        prose = _prose_of_python(text, nodes)
    else:
        prose = enumerate(text.splitlines(), start=1)
    for line, words in prose:
        for pattern, instead in _PROSE.items():
            if match := pattern.search(words):
                yield f"{name}:{line}: {match[0]!r}: write {instead}"


def _module_name(name: str, stem: str) -> Iterator[str]:
    stem = stem.removeprefix("test_") if not name.startswith("tests/stack") else ""
    if (PARTICIPLE.search(stem) and stem not in NOUNS_IN_ING and "/test_" not in name) or stem in METAPHORS:
        yield f"{name}:1: the module's name: write a noun of the field"


def _definitions(nodes: Sequence[ast.AST]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                if not name.startswith("test_"):
                    yield node.lineno, name
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield node.lineno, name
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name


def _names(path: str, nodes: Sequence[ast.AST]) -> Iterator[tuple[int, str]]:
    forbidden = dict(WORDS)
    for folder, words in WORDS_BELOW.items():
        if path.startswith((f"{folder}/", f"tests/{folder}/")):
            forbidden |= words
    for line, name in _definitions(nodes):
        for word in {part.lower() for part in _WORD.findall(name)}:
            singular = word if word in forbidden else word.removesuffix("s").removesuffix("ie")
            if singular in forbidden:
                yield line, f"{name}: write {forbidden[singular]}, not {word}"


def _variables(nodes: Sequence[ast.AST]) -> Iterator[tuple[int, str]]:
    inner: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            inner.update(id(part) for generator in node.generators for part in ast.walk(generator.target))
        elif isinstance(node, ast.Lambda):
            inner.update(id(part) for part in ast.walk(node.args))
    for node in nodes:
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.Attribute(attr=name, ctx=ast.Store()):
                if name.lstrip("_") in VARIABLES and id(node) not in inner:
                    yield node.lineno, f"variable {name}: write {VARIABLES[name.lstrip('_')]}"


def _tests(nodes: Sequence[ast.AST]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if name.startswith("test_"):
                if len(name) > LONGEST_TEST_NAME:
                    yield node.lineno, f"{name} has {len(name)} characters: {LONGEST_TEST_NAME} at most"


def _docstrings(nodes: Sequence[ast.AST]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            docstring = ast.get_docstring(node)
            if docstring is not None and len(docstring.split()) < SHORTEST_DOCSTRING:
                yield (
                    node.lineno,
                    f"{node.name}: {docstring!r} says nothing: say more, or delete it",
                )


def _prose_of_python(text: str, nodes: Sequence[ast.AST]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            for offset, line in enumerate(node.value.splitlines()):
                yield node.lineno + offset, line
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def files(*paths: Path) -> Iterator[Path]:
    """Every file the rules hold for, below ``paths``."""
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            name = file.as_posix()
            if file.suffix in {".py", *TEXTS} and file.name not in OWN and not any(part in name for part in BUILT):
                yield file


def main() -> None:
    """Print what breaks a rule below the paths of the command line."""
    chosen = [Path(argument).resolve() for argument in sys.argv[1:]] or [ROOT / folder for folder in FOLDERS]
    lines = [line for file in files(*chosen) for line in violations(file)]
    print("\n".join(lines))  # noqa: T201
    sys.exit(f"{len(lines)} places" if lines else 0)


if __name__ == "__main__":
    main()
