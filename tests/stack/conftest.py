"""The one platform that the tests of this folder share."""

from collections.abc import Iterator

import pytest

from tests.support.platform import Platform, free_offset


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform that is ready; stopped at the end."""
    running = Platform(tmp_path_factory.mktemp("platform") / "data", free_offset())
    running.up()
    try:
        yield running
    finally:
        running.down()
