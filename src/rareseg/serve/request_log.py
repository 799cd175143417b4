"""A line of JSON for every request, and the counts behind ``/metrics``."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rareseg.serve.telemetry import Telemetry

__all__ = ["LOGGER", "RequestLog"]

LOGGER = logging.getLogger("rareseg.serve")
"""One line of JSON a request, at the level INFO."""


class RequestLog:
    """Wraps an application; endpoints put what they know of a request into ``request.state.note``.

    Args:
        app: Answers requests.
        telemetry: Counts them.
        paths: That there are; others are counted together, so that their number stays small.
    """

    def __init__(self, app: ASGIApp, *, telemetry: Telemetry, paths: frozenset[str]) -> None:
        self._app, self._telemetry, self._paths = app, telemetry, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        note: dict[str, Any] = {}
        scope.setdefault("state", {})["note"] = note
        started, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            seconds = time.perf_counter() - started
            path = scope["path"] if scope["path"] in self._paths else "other"
            self._telemetry.answered(path, status, seconds)
            client = scope.get("client") or ("", 0)
            line = {
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "client": client[0],
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "seconds": round(seconds, 4),
                **note,
            }
            LOGGER.info(json.dumps(line))
