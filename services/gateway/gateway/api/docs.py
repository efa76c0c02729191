"""/docs without the internet: the documentation's own files, and a policy that allows just them."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import fastapi_offline
from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.staticfiles import StaticFiles
from starlette.responses import HTMLResponse, Response

_FILES = Path(fastapi_offline.__file__).parent / "static"
_FILES_PATH = "/docs/files"
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def add_docs(app: FastAPI) -> None:
    page = bytes(
        get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=app.title,
            swagger_js_url=f"{_FILES_PATH}/swagger-ui-bundle.js",
            swagger_css_url=f"{_FILES_PATH}/swagger-ui.css",
            swagger_favicon_url=f"{_FILES_PATH}/favicon.png",
        ).body
    ).decode()
    headers = {"Content-Security-Policy": _policy(page)}

    async def docs(_request: Request) -> Response:
        return HTMLResponse(page, headers=headers)

    app.add_route("/docs", docs, include_in_schema=False)
    app.mount(_FILES_PATH, StaticFiles(directory=_FILES))


def _policy(page: str) -> str:
    """Scripts are the bundle and the page's own, known by its hash; styles are written by both."""
    script = "".join(_INLINE_SCRIPT.findall(page))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        "default-src 'none'; connect-src 'self'; img-src 'self' data:;"
        f" script-src 'self' 'sha256-{digest}'; style-src 'self' 'unsafe-inline';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
