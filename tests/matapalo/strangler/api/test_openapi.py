"""The admin API as its clients see it: a change of `admin.openapi.json` is a change of the public surface.

    python -m tests.matapalo.strangler.api.test_openapi

writes the file anew, so that the change is a diff to review.
"""

import json
from pathlib import Path
from typing import Any

from matapalo.strangler.control_app import control_app
from tests.matapalo.strangler.builders import settings_in

DOCUMENT = Path(__file__).with_name("admin.openapi.json")


def openapi() -> dict[str, Any]:
    settings = settings_in(Path(), jwks_file=None, jwks_url="http://127.0.0.1/jwks.json")
    return control_app(settings).openapi()


def test_the_admin_api_is_what_the_committed_document_says() -> None:
    assert openapi() == json.loads(DOCUMENT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    DOCUMENT.write_text(json.dumps(openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
