"""The console's own files: read once, compressed once, named by their content.

`console.css?v=<hash>` is kept by browsers for a year; without the right hash it is requested again each time. Nothing
comes from another origin. uPlot 1.6.32 (MIT) is kept byte for byte as the npm registry has it, see `uplot/SHA256SUMS`.
"""

import gzip
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

STATIC = Path(__file__).parent / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


class Asset(NamedTuple):
    media_type: str
    plain: bytes
    compressed: bytes
    version: str


class Assets:
    """All files below `static/` that a browser may ask for."""

    def __init__(self, folder: Path = STATIC) -> None:
        files = (path for path in sorted(folder.rglob("*")) if path.suffix in _TYPES)
        self._files: dict[str, Asset] = {}
        for path in files:
            plain, name = path.read_bytes(), path.relative_to(folder).as_posix()
            version = sha256(plain).hexdigest()[:16]
            self._files[name] = Asset(_TYPES[path.suffix], plain, gzip.compress(plain, mtime=0), version)

    def address(self, name: str) -> str:
        return f"/console/static/{name}?v={self._files[name].version}"

    async def serve(self, request: Request) -> Response:
        asset = self._files.get(request.path_params["name"])
        if asset is None:
            return Response("There is no such file.", status_code=404, media_type="text/plain")
        headers = {
            "etag": f'"{asset.version}"',
            "vary": "accept-encoding",
            "x-content-type-options": "nosniff",
            "cache-control": "public, max-age=31536000, immutable"
            if request.query_params.get("v") == asset.version
            else "no-cache",
        }
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            return Response(asset.compressed, headers=headers, media_type=asset.media_type)
        return Response(asset.plain, headers=headers, media_type=asset.media_type)
