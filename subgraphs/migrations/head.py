"""Which migration this code needs. Reads the version files; touches no database."""

from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory


def configuration() -> Config:
    """alembic, pointed at this folder."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


def head() -> str:
    revision = ScriptDirectory.from_config(configuration()).get_current_head()
    assert revision is not None  # noqa: S101  # there is at least one version file
    return revision
