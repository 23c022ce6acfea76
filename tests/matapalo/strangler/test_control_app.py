"""The status pages of the control plane."""

from pathlib import Path

import httpx

from matapalo.strangler.control_app import control_app
from tests.harness.ports import free_port
from tests.matapalo.strangler.builders import KEYS, settings_in


async def test_a_control_plane_without_its_store_is_not_ready(tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_text(KEYS.jwks)
    app = control_app(settings_in(tmp_path, redis_url=f"redis://127.0.0.1:{free_port()}/0"))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://control") as http,
    ):
        assert (await http.get("/healthz")).json() == {"status": "ok"}
        response = await http.get("/readyz")
    assert response.status_code == 503
    assert response.json()["missing"]["store"].startswith("Redis does not answer")
