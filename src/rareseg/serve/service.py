"""The endpoint that predicts: a request in, an answer out, or a refusal."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, cast, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from rareseg.errors import DataError
from rareseg.inference.segmenter import Segmenter
from rareseg.serve.answer import Masks, label_png, make_answer, overlay_png
from rareseg.serve.judge_queue import Judged, JudgeQueue
from rareseg.serve.refusal import Refusal
from rareseg.serve.serve_options import ServeOptions
from rareseg.serve.telemetry import Telemetry
from rareseg.serve.upload import Upload, read_body

__all__ = ["FORMATS", "Service"]

FORMATS = ("json", "png", "overlay")
"""What an answer can be."""


@dataclass(frozen=True)
class _Wish:
    """The query of a request."""

    form: str
    masks: Masks
    overlay: bool


class Service:
    """One model behind one queue.

    Args:
        segmenter: What judges.
        options: The limits.
        name: The model's name, for answers.
    """

    def __init__(self, segmenter: Segmenter, options: ServeOptions, *, name: str) -> None:
        self.segmenter, self.options, self.name = segmenter, options, name
        self.telemetry = Telemetry(lambda: len(self._queue))
        self._queue = JudgeQueue(
            segmenter, batch=options.batch, batch_wait=options.batch_wait, on_batch=self.telemetry.passed
        )
        self._num_requests = 0

    def close(self) -> None:
        """Take no more, and finish what is on its way."""
        self._queue.close()

    async def predict(self, request: Request) -> Response:
        """``POST /predict``.

        Raises:
            Refusal: There is no prediction.
        """
        wish = _read_query(request)
        if not self._queue.is_alive:
            raise Refusal(503, "The server is stopping; ask another one, or again later.", retry_after=5)
        if self._num_requests >= self.options.queue:
            raise Refusal(
                503,
                f"{self._num_requests} requests are on their way already; ask again later.",
                retry_after=1,
            )
        self._num_requests += 1
        try:
            return await self._predict(request, wish)
        finally:
            self._num_requests -= 1

    async def health(self, request: Request) -> Response:
        """``GET /health``: 200 while images are judged, 503 when the server is stopping."""
        ready = self._queue.is_alive
        state = {"status": "ready" if ready else "stopping", "model": self.name, "waiting": len(self._queue)}
        return JSONResponse(state, status_code=200 if ready else 503)

    async def metrics(self, request: Request) -> Response:
        """``GET /metrics``."""
        return Response(self.telemetry.text(), headers={"content-type": self.telemetry.content_type})

    async def _predict(self, request: Request, wish: _Wish) -> Response:
        try:
            async with asyncio.timeout(self.options.timeout):
                data, kind = await read_body(request, max_bytes=self.options.max_bytes)
        except TimeoutError:
            raise Refusal(
                408,
                f"The image did not come within {self.options.timeout:g} s; send it faster, or a smaller one.",
            ) from None
        note = request.state.note
        note["bytes"] = len(data)
        upload = await asyncio.to_thread(Upload, self.segmenter, data, kind, self.options)
        del data
        future: Future[Judged] | None = None
        try:
            note["size"] = list(upload.image.size)
            future = self._queue.submit(
                upload.image, bands=upload.header.num_bands, dtype=upload.header.dtype
            )
            judged = await self._wait(future, upload)
            height, width = upload.image.size
            self.telemetry.judged(height * width / 1e6)
            note |= {
                "batch": judged.batch,
                "waited": round(judged.waited, 4),
                "judged": round(judged.seconds, 4),
            }
            return await asyncio.to_thread(self._answer, upload, judged, wish)
        finally:
            if future is None or future.done():
                upload.close()
            else:
                # The network is at work on it; its file goes when that is over.
                future.add_done_callback(lambda _: upload.close())

    async def _wait(self, future: Future[Judged], upload: Upload) -> Judged:
        try:
            # When the time is up, this cancels the job, which is then left out if its turn has not come.
            return await asyncio.wait_for(asyncio.wrap_future(future), self.options.timeout)
        except TimeoutError:
            raise Refusal(
                504,
                f"The prediction was not done within {self.options.timeout:g} s; ask again later, or send a smaller "
                "image.",
                retry_after=5,
            ) from None
        except DataError as error:
            raise upload.broken(error) from error

    def _answer(self, upload: Upload, judged: Judged, wish: _Wish) -> Response:
        labels = judged.prediction.labels
        if wish.form == "png":
            return Response(label_png(labels, self.segmenter.class_table, upload), media_type="image/png")
        if wish.form == "overlay":
            return Response(overlay_png(labels, self.segmenter, upload), media_type="image/png")
        answer = make_answer(
            self.segmenter, upload, judged, model=self.name, masks=wish.masks, overlay=wish.overlay
        )
        return Response(answer.model_dump_json(), media_type="application/json")


def _read_query(request: Request) -> _Wish:
    """The query, every part of which has an effect.

    Raises:
        Refusal: An unknown name or value (400).
    """
    given = dict(request.query_params)
    form = _choice(given, "format", FORMATS, "json")
    if form != "json" and len(given) > 1:
        others = ", ".join(sorted(set(given) - {"format"}))
        raise Refusal(
            400, f"With format={form} the answer is a picture, on which {others} has no effect; leave it out."
        )
    masks = cast(Masks, _choice(given, "masks", get_args(Masks), "rle"))
    overlay = _choice(given, "overlay", ("true", "false"), "false") == "true"
    unknown = sorted(set(given) - {"format", "masks", "overlay"})
    if unknown:
        raise Refusal(400, f"There is no option '{unknown[0]}'; known: format, masks, overlay.")
    return _Wish(form, masks, overlay)


def _choice(given: dict[str, Any], name: str, options: tuple[str, ...], default: str) -> str:
    value = str(given.get(name, default))
    if value not in options:
        raise Refusal(
            400, f"{name} should be one of {', '.join(options)}, but is '{value}'; give one of these."
        )
    return value
