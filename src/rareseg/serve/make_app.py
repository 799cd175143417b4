"""The application of the server: its addresses and what answers them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from rareseg.serve.openapi import openapi
from rareseg.serve.refusal import Refusal
from rareseg.serve.request_log import RequestLog
from rareseg.serve.service import Service

__all__ = ["make_app"]

_PAGE = Path(__file__).with_name("page.html")
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}


def make_app(service: Service) -> Starlette:
    """An ASGI application, which any ASGI server runs; when that stops, all that waits is judged first.

    Args:
        service: The model and its queue.
    """
    page, description = _PAGE.read_text(encoding="utf-8"), openapi(service)

    async def human_page(request: Request) -> Response:
        return HTMLResponse(page, headers=_HEADERS)

    async def machine_page(request: Request) -> Response:
        return JSONResponse(description)

    async def live(request: Request) -> Response:
        return JSONResponse({"status": "live"})

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(service.close)

    routes = [
        Route("/", human_page, methods=["GET"]),
        Route("/predict", service.predict, methods=["POST"]),
        Route("/health", service.health, methods=["GET"]),
        Route("/health/live", live, methods=["GET"]),
        Route("/metrics", service.metrics, methods=["GET"]),
        Route("/openapi.json", machine_page, methods=["GET"]),
    ]
    log = Middleware(RequestLog, telemetry=service.telemetry, paths=frozenset(route.path for route in routes))
    return Starlette(
        routes=routes,
        middleware=[log],
        exception_handlers={Refusal: _refuse, HTTPException: _not_found, Exception: _fault},
        lifespan=lifespan,
    )


async def _refuse(request: Request, error: Exception) -> Response:
    refusal = cast(Refusal, error)
    headers = {} if refusal.retry_after is None else {"retry-after": str(refusal.retry_after)}
    if refusal.status in (408, 413):
        # The rest of the body is not read, so the connection cannot go on.
        headers["connection"] = "close"
    request.state.note["error"] = str(refusal)
    return _error(refusal.status, str(refusal), headers)


async def _not_found(request: Request, error: Exception) -> Response:
    found = cast(HTTPException, error)
    text = {
        404: "There is no such address; see /openapi.json.",
        405: "This address takes another method; see /openapi.json.",
    }.get(found.status_code, found.detail)
    return _error(found.status_code, text, dict(found.headers or {}))


async def _fault(request: Request, error: Exception) -> Response:
    return _error(500, "This is a fault of the server, not of the image; its log says more.", {})


def _error(status: int, text: str, headers: dict[str, str]) -> Response:
    return JSONResponse({"error": text}, status_code=status, headers=headers)
