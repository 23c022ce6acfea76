"""Projections and relations under stock execution: models in, GraphQL out, no wrapper in between."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Annotated, Any

import msgspec
import pytest
import strawberry

from matapalo.execution.check import check
from matapalo.execution.defaults import drop_null_defaults
from matapalo.execution.loads import Loads
from matapalo.execution.projection import projected_model, projection, returns
from matapalo.execution.relation import Relation, related


class Author(msgspec.Struct, frozen=True):
    id: str
    name: str


class Book(msgspec.Struct, frozen=True):
    id: str
    title: str
    author_id: str | None
    pages: int

    @property
    def is_long(self) -> bool:
        return self.pages > 300


AUTHORS = {"a1": Author("a1", "Ana"), "a2": Author("a2", "Bo")}
BOOKS = [Book("b1", "One", "a1", 100), Book("b2", "Two", None, 400), Book("b3", "Three", "a1", 5)]


async def load_authors(context: Any, keys: Sequence[str]) -> list[Author | None]:
    context.requested.append(tuple(keys))
    return [AUTHORS.get(key) for key in keys]


async def load_books_of(
    context: Any, keys: Sequence[str], *, first: int | None = 2, title: str | None = None
) -> list[list[Book]]:
    context.requested.append((tuple(keys), first, title))
    return [[b for b in BOOKS if b.author_id == key and title in (None, b.title)][:first] for key in keys]


@projection(Author, name="Author")
class AuthorView:
    name: str
    books: list[Annotated["BookView", strawberry.lazy(__name__)]] | None = related(
        load_books_of, key="id", arguments={"first": "How many."}
    )


@projection(Book, name="Book")
class BookView:
    title: str = strawberry.field(name="heading")
    is_long: bool
    author: AuthorView | None = related(load_authors, key="author_id")

    @returns(str)
    @staticmethod
    def label(book: strawberry.Parent[Book]) -> str:
        return f"{book.title} ({book.pages})"


Anything = Annotated[AuthorView | BookView, strawberry.union("Anything")]


@strawberry.type
class Query:
    @returns(list[BookView])
    def books(self) -> list[Book]:
        return BOOKS

    @returns(list[Anything])
    def anything(self) -> list[Author | Book]:
        return [BOOKS[0], AUTHORS["a2"]]


@dataclass
class Context:
    requested: list[Any]
    loads: Loads


async def ask(query: str) -> tuple[Any, list[Any]]:
    schema = strawberry.Schema(Query)
    check(schema)
    drop_null_defaults(schema)
    context = Context([], None)  # type: ignore[arg-type]
    context.loads = Loads(context)
    result = await schema.execute(query, context_value=context)
    assert result.errors is None
    return result.data, context.requested


async def test_fields_are_attributes_and_properties_of_the_model():
    data, _ = await ask("{ books { heading isLong label } }")
    assert data["books"][1] == {"heading": "Two", "isLong": True, "label": "Two (400)"}


async def test_a_relation_of_many_parents_is_one_load():
    data, requested = await ask("{ books { author { name } } }")
    assert [book["author"] for book in data["books"]] == [{"name": "Ana"}, None, {"name": "Ana"}]
    assert requested == [("a1",)]


async def test_arguments_of_a_relation_are_those_of_its_load():
    data, requested = await ask(
        '{ books { author { books { heading } more: books(first: null, title: "Three") { heading } } } }'
    )
    assert data["books"][0]["author"] == {
        "books": [{"heading": "One"}, {"heading": "Three"}],
        "more": [{"heading": "Three"}],
    }
    assert requested[1:] == [(("a1",), 2, None), (("a1",), None, "Three")]


async def test_a_default_written_out_is_the_same_load_as_the_default():
    _, requested = await ask("{ books { author { books { heading } same: books(first: 2) { heading } } } }")
    assert len(requested) == 2


async def test_unions_find_the_projection_of_each_model():
    data, _ = await ask("{ anything { __typename } }")
    assert [found["__typename"] for found in data["anything"]] == ["Book", "Author"]


def test_constructing_a_projection_says_what_to_do_instead():
    with pytest.raises(TypeError, match="BookView is a projection: return Book objects"):
        BookView(title="x", is_long=True)


def test_the_sdl_describes_arguments_and_has_no_default_of_null():
    schema = strawberry.Schema(Query)
    drop_null_defaults(schema)
    assert 'books(\n    """How many."""\n    first: Int = 2\n    title: String\n  ): [Book!]' in schema.as_str()


def test_an_executor_finds_the_relation_and_the_model():
    schema = strawberry.Schema(Query)
    definition = schema.get_type_by_name("Book")
    author = next(field for field in definition.fields if field.python_name == "author")  # type: ignore[union-attr]
    assert author.metadata[Relation] == Relation(load_authors, "author_id")
    assert projected_model(BookView) is Book
    assert projected_model(Query) is None
    assert projected_model(SimpleNamespace()) is None
