"""One web schema for the whole folder: building it is the expensive part."""

import pytest
from strawberry.federation import Schema

from bff.web.schema import build_schema


@pytest.fixture(scope="package")
def schema() -> Schema:
    return build_schema()
