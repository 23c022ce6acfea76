"""The short cut through plain rows has the data and errors of stock execution, whatever goes wrong."""

import asyncio
import enum
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import strawberry
from graphql import ExecutionResult
from hypothesis import given, settings
from hypothesis import strategies as st

from bff.commerce.context import Context
from bff.web.schema import build_schema
from matapalo.execution.check import check
from matapalo.execution.levels import LevelExecutor
from matapalo.execution.loads import Loads
from matapalo.execution.projection import projection, returns
from matapalo.execution.relation import related
from matapalo.execution.run import SchemaExecutor
from matapalo.operations.document import Documents
from matapalo.operations.limits import DocumentLimits
from matapalo.process.clock import SystemClock
from matapalo.rest.pool import create_pool
from tests.harness.in_memory_bff import CUSTOMER, OPERATOR, SCHEMA_DIR, SETTINGS, make_context
from tests.harness.upstream import FakeUpstream


class Genre(enum.Enum):
    NOVEL = "novel"
    ESSAY = "essay"


class Price(msgspec.Struct):
    minor: int

    @property
    def major(self) -> int:
        return self.minor // 100


class Chapter(msgspec.Struct):
    title: str
    editor_id: str | None = None


class Author(msgspec.Struct):
    id: str
    name: str
    best_id: str | None = None


class Book(msgspec.Struct):
    id: str
    title: str
    price: Price
    genre: Genre
    printed_at: datetime
    rating: float | None = None
    chapters: list[Chapter] = []
    author_id: str | None = None


@dataclass
class Library:
    """The context: what the loads return, and what the root fields return."""

    books: list[Any]
    authors: dict[str, Any]
    loads: Any = None
    calls: int = 0

    def __post_init__(self) -> None:
        self.loads = Loads(self)


async def load_authors(context: Any, ids: Any) -> list[Author | None]:
    context.calls += 1
    return [context.authors.get(id_) for id_ in ids]


async def load_books(context: Any, ids: Any) -> list[Book | None]:
    return [next((book for book in context.books if getattr(book, "id", None) == id_), None) for id_ in ids]


async def load_names(context: Any, ids: Any) -> list[str | None]:
    authors = [context.authors.get(id_) for id_ in ids]
    return [author.name if isinstance(author, Author) else author for author in authors]


@projection(Price, name="Price")
class GPrice:
    minor: int
    major: int


@projection(Author, name="Author")
class GAuthor:
    id: strawberry.ID
    name: str
    best: "GBook | None" = related(load_books, key="best_id")


@projection(Chapter, name="Chapter")
class GChapter:
    title: str
    editor: GAuthor | None = related(load_authors, key="editor_id")


@projection(Book, name="Book")
class GBook:
    id: strawberry.ID
    title: str
    price: GPrice
    genre: Genre
    printed_at: datetime
    rating: float | None
    chapters: list[GChapter]
    author: GAuthor | None = related(load_authors, key="author_id")
    author_name: str | None = related(load_names, key="author_id")


strawberry.enum(Genre)


@strawberry.type
class Query:
    @returns(list[GBook] | None)
    def books(self, info: strawberry.Info) -> list[Book] | None:
        return list(info.context.books)

    @returns(list[GBook | None])
    def maybe(self, info: strawberry.Info) -> list[Book | None]:
        return list(info.context.books)

    @returns(GBook | None)
    async def first(self, info: strawberry.Info) -> Book | None:
        return info.context.books[0] if info.context.books else None


SCHEMA = strawberry.Schema(query=Query)
check(SCHEMA)
DOCUMENTS = Documents(SCHEMA, DocumentLimits(introspection=True))
WEB = build_schema()
WEB_DOCUMENTS = Documents(WEB, DocumentLimits())
FIELDS = "id title price { minor } genre printedAt rating"
QUERIES = [
    f"{{ books {{ {FIELDS} }} }}",
    f"{{ maybe {{ __typename again: title {FIELDS} author {{ name id }} authorName }} }}",
    f"{{ first {{ {FIELDS} chapters {{ title editor {{ name best {{ title chapters {{ title }} }} }} }} }} }}",
    "{ books { chapters { editor { id } title } author { best { author { name __typename } } } } }",
    "query($yes: Boolean = true) { maybe { ...B title @skip(if: $yes) } first { ...B } } "
    "fragment B on Book { author @include(if: $yes) { name } price { minor ... on Price { amount: minor } } }",
]
WHEN = datetime(2026, 1, 2, tzinfo=UTC)


def wrong(right: Any) -> st.SearchStrategy[Any]:
    """Mostly what the model says, sometimes what it does not."""
    return st.one_of(*[st.just(right)] * 9, st.sampled_from([None, 5, "text", object, 2**40, float("nan")]))


authors = st.builds(Author, id=wrong("a1"), name=wrong("Ana"), best_id=st.sampled_from([None, "b1", "b9"]))
chapters = st.builds(Chapter, title=wrong("One"), editor_id=st.sampled_from([None, "a1", "a2", "a9"]))
books = st.builds(
    Book,
    id=wrong("b1"),
    title=wrong("Atlas"),
    price=wrong(Price(5)),
    genre=wrong(Genre.ESSAY),
    printed_at=wrong(WHEN),
    rating=wrong(4.5),
    chapters=st.one_of(*[st.lists(chapters, max_size=3)] * 5, st.sampled_from([None, "no", [None], [Price(1)]])),
    author_id=st.sampled_from([None, "a1", "a2", "a9"]),
)
loaded = st.one_of(*[authors] * 4, st.sampled_from([None, ValueError("no author"), "not an author", Price(3)]))


async def both(query: str, books: list[Any], authors: dict[str, Any]) -> tuple[ExecutionResult, ExecutionResult]:
    operation = DOCUMENTS.find(query, None)
    ours = await SchemaExecutor(SCHEMA).execute(operation, {}, {}, Library(books, authors), timeout_s=5)
    stock = await SCHEMA.execute(query, context_value=Library(books, authors))
    while left := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(left)  # graphql-core settles what a null has orphaned in the background
    return ours, ExecutionResult(stock.data, stock.errors)


def errors_of(result: ExecutionResult) -> set[tuple[str, str]]:
    return {(".".join(map(str, error.path or ())), error.message) for error in result.errors or ()}


@settings(max_examples=150, deadline=None)
@given(
    query=st.sampled_from(QUERIES),
    rows=st.lists(st.one_of(*[books] * 8, st.sampled_from([None, Price(2)])), max_size=4),
    authors=st.fixed_dictionaries({"a1": loaded, "a2": loaded}),
)
def test_any_rows_have_the_result_of_stock_execution(query: str, rows: list[Any], authors: dict[str, Any]) -> None:
    ours, stock = asyncio.run(both(query, rows, authors))
    assert ours.data == stock.data
    # Where a non-null error nulls what several errors share, which of them is reported depends on the order of awaits.
    assert errors_of(ours) == errors_of(stock) or (errors_of(ours) & errors_of(stock) and len(errors_of(stock)) > 1)


def test_the_order_of_the_result_is_that_of_the_query() -> None:
    book = Book("b1", "Atlas", Price(5), Genre.NOVEL, WHEN, author_id="a1")
    query = "{ books { author { name } __typename title price { minor } id } }"
    ours, _ = asyncio.run(both(query, [book], {"a1": Author("a1", "Ana")}))
    assert ours.data is not None
    assert list(ours.data["books"][0]) == ["author", "__typename", "title", "price", "id"]


def test_a_level_is_one_load_however_many_rows_it_has() -> None:
    rows = [Book(f"b{n}", "T", Price(n), Genre.NOVEL, WHEN, None, [], f"a{n}") for n in range(50)]
    library = Library(rows, {f"a{n}": Author(f"a{n}", "Ana") for n in range(50)})
    operation = DOCUMENTS.find("{ books { author { name } } }", None)
    result = asyncio.run(SchemaExecutor(SCHEMA).execute(operation, {}, {}, library, timeout_s=5))
    assert result.errors is None
    assert library.calls == 1


def test_the_short_cut_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("a plain row went through graphql-core's field by field execution")

    execute_fields = LevelExecutor.execute_fields

    def only_the_root(self: Any, parent_type: Any, *rest: Any) -> Any:
        return execute_fields(self, parent_type, *rest) if parent_type.name == "Query" else never()

    monkeypatch.setattr(LevelExecutor, "execute_fields", only_the_root)
    book = Book("b1", "Atlas", Price(5), Genre.NOVEL, WHEN, None, [Chapter("One", "a1")], "a1")
    query = "{ books { title price { minor } chapters { editor { name best { title } } } author { name } } }"
    operation = DOCUMENTS.find(query, None)
    library = Library([book], {"a1": Author("a1", "Ana", "b1")})
    result = asyncio.run(SchemaExecutor(SCHEMA).execute(operation, {}, {}, library, timeout_s=5))
    assert result.errors is None


QUERIES_OF_THE_WEB = [
    pytest.param(path.stem, path.read_text(), id=path.stem)
    for path in sorted((SCHEMA_DIR / "operations/web").glob("*.graphql"))
    if re.search(r"^query", path.read_text(), re.MULTILINE)
]


@pytest.mark.parametrize(("name", "query"), QUERIES_OF_THE_WEB)
@pytest.mark.parametrize("broken", [None, "customers", "products", "inventory", "shipping", "payments"])
async def test_the_shops_queries_have_the_result_of_stock_execution(name: str, query: str, broken: str | None) -> None:
    operation = WEB_DOCUMENTS.find(query, None)
    variables = {"id": "ord_00001", "orderId": "ord_00001", "first": 5, "search": "a"}
    passed = {name: value for name, value in variables.items() if f"${name}" in operation.source}
    viewer = OPERATOR if name == "OrdersWithCustomers" else CUSTOMER

    async def answered(execute: Callable[[Context], Awaitable[Any]]) -> ExecutionResult:
        upstream = FakeUpstream()
        if broken is not None:
            upstream.fail(broken)
        pool = create_pool(SETTINGS, SystemClock(), transport=upstream)
        try:
            result = await execute(make_context(pool, viewer))
            return ExecutionResult(result.data, result.errors)
        finally:
            await pool.aclose()

    ours = await answered(lambda context: SchemaExecutor(WEB).execute(operation, passed, {}, context, timeout_s=5))
    stock = await answered(lambda context: WEB.execute(operation.source, variable_values=passed, context_value=context))
    assert ours.data == stock.data
    assert errors_of(ours) == errors_of(stock)


GOOD = Book("b1", "Atlas", Price(5), Genre.NOVEL, WHEN, author_id="a1")


@pytest.mark.parametrize(
    ("query", "book", "author", "reasons"),
    [
        ("{ books { title author { name } authorName } }", GOOD, Author("a1", "Ana"), set()),
        ("{ books { title } }", Price(5), None, {"model"}),
        ("{ books { title } }", msgspec.structs.replace(GOOD, title=5), None, {"value"}),
        ("{ books { title } }", msgspec.structs.replace(GOOD, title=None), None, {"null"}),
        ("{ books { genre } }", msgspec.structs.replace(GOOD, genre="none"), None, {"value"}),
        ("{ books { price { minor } } }", msgspec.structs.replace(GOOD, price=None), None, {"null"}),
        ("{ books { price { major } } }", msgspec.structs.replace(GOOD, price=Price(None)), None, {"attribute"}),  # type: ignore[arg-type]
        ("{ books { chapters { title } } }", msgspec.structs.replace(GOOD, chapters="no"), None, {"list"}),
        ("{ books { author { name } } }", GOOD, Author("a1", 5), {"value"}),  # type: ignore[arg-type]
        ("{ books { authorName } }", GOOD, 5, {"value"}),
    ],
)
async def test_a_fallback_is_counted_by_its_reason(query: str, book: Any, author: Any, reasons: set[str]) -> None:
    counted: list[str] = []
    executor = SchemaExecutor(SCHEMA, count_fallback=counted.append)
    await executor.execute(DOCUMENTS.find(query, None), {}, {}, Library([book], {"a1": author}), timeout_s=5)
    assert set(counted) == reasons  # a list falls back, and then each of its rows


async def test_a_bug_in_the_short_cut_surfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise AttributeError("a bug of ours")

    monkeypatch.setattr(LevelExecutor, "_read_leaf", broken)
    operation = DOCUMENTS.find("{ books { title } }", None)
    result = await SchemaExecutor(SCHEMA).execute(operation, {}, {}, Library([GOOD], {}), timeout_s=5)
    assert result.errors is not None
    assert isinstance(result.errors[0].original_error, AttributeError)
