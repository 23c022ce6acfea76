"""The example shop's project, and copies of it that a test may change."""

from collections.abc import Mapping
from pathlib import Path

from matapalo.project.reader import load
from matapalo.strangler.settings import Upstream, of_the_project

ROOT = Path(__file__).parents[2]
SHOP = load(ROOT / "matapalo.toml")
UPSTREAMS: Mapping[str, Upstream] = of_the_project(SHOP)["upstreams"]


def copy_of_the_shop(folder: Path, **replaced: str) -> Path:
    """The shop's `matapalo.toml` in ``folder``, some of its text replaced: the path for ``MATAPALO_PROJECT``."""
    text = SHOP.file.read_text()
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "matapalo.toml").write_text(text)
    return folder / "matapalo.toml"
