"""The server's endpoints, asked in this process: answers, limits and refusals."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import struct
import time
import zlib
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import tifffile
from PIL import Image

from inference.make_segmenter import make_segmenter
from rareseg.inference.join_segmenters import join_segmenters
from rareseg.inference.segmenter import Segmenter
from rareseg.serve.answer import Answer
from rareseg.serve.make_app import make_app
from rareseg.serve.serve_options import ServeOptions
from rareseg.serve.service import Service
from serve.test_judge_queue import HeldEngine

Ask = Callable[[httpx.AsyncClient], Coroutine[Any, Any, Any]]


def make_image(seed: int = 0, size: tuple[int, int] = (45, 70), bands: int = 1) -> np.ndarray:
    """Noise in blocks, so that there are regions."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (size[0] // 6 + 1, size[1] // 6 + 1, bands)).repeat(6, 0).repeat(6, 1)
    return coarse[: size[0], : size[1]].astype(np.uint8).squeeze()


def encode(pixels: np.ndarray, form: str = "png") -> bytes:
    """An image file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format=form)
    return file.getvalue()


def decode(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as file:
        return np.asarray(file)


def paint(masks: list[dict[str, Any]], names: list[str], size: tuple[int, int]) -> np.ndarray:
    """A label map from run lengths, as a client would do it."""
    labels = np.zeros(size[0] * size[1], np.uint8)
    for mask in masks:
        assert tuple(mask["size"]) == size
        values = np.arange(len(mask["counts"])) % 2
        assert sum(mask["counts"]) == labels.size
        labels[np.repeat(values, mask["counts"]).astype(bool)] = names.index(mask["class_name"])
    return labels.reshape(size[1], size[0]).T


def talk(segmenter: Segmenter, ask: Ask, **options: Any) -> Any:
    """Ask a server of this process."""
    service = Service(segmenter, ServeOptions(**options), name="study/model")

    async def run() -> Any:
        transport = httpx.ASGITransport(make_app(service), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://server", timeout=60) as client:
            return await ask(client)

    try:
        return asyncio.run(run())
    finally:
        service.close()


def post(
    segmenter: Segmenter, path: str = "/predict", /, *, options: dict[str, Any] | None = None, **request: Any
) -> httpx.Response:
    return talk(segmenter, lambda client: client.post(path, **request), **(options or {}))


@pytest.fixture
def model() -> Segmenter:
    return make_segmenter(tile=96)


@pytest.fixture(autouse=True)
def no_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    yield
    assert not list(tmp_path.glob("rareseg-*"))


@pytest.mark.parametrize(
    ("form", "media"),
    [("png", "image/png"), ("tiff", "image/tiff"), ("png", "application/octet-stream"), ("bmp", None)],
)
@pytest.mark.parametrize("by_form", [False, True])
def test_an_image_becomes_masks_and_regions(
    model: Segmenter, form: str, media: str | None, by_form: bool
) -> None:
    pixels = make_image()
    if media is None:
        form, media = "png", "image/png; charset=binary"
    data = encode(pixels, form)
    if by_form:
        answer = post(model, files={"image": ("../../etc/passwd", data, media)}, data={"comment": "x"})
    else:
        answer = post(model, content=data, headers={"content-type": media})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    Answer.model_validate(found)
    reference = model.predict(model.reading.open(_saved(data, form)))
    names = [one["name"] for one in found["classes"]]
    assert names == ["ground", "pit", "scratch"]
    assert np.array_equal(paint(found["masks"], names, (45, 70)), reference.labels)
    assert (found["height"], found["width"], found["model"], found["batch"]) == (45, 70, "study/model", 1)
    assert sum(region["area"] for region in found["regions"]) == np.count_nonzero(reference.labels)
    for region in found["regions"]:
        row, col, height, width = region["box"]
        inside = reference.labels[row : row + height, col : col + width] == region["class_index"]
        assert inside.any(axis=1).all()
        assert inside.any(axis=0).all()
        assert 1 / 3 < region["mean_score"] <= region["max_score"] <= 1


def _saved(data: bytes, form: str) -> Path:
    import tempfile

    path = Path(tempfile.gettempdir()) / f"reference.{'tif' if form == 'tiff' else form}"
    path.write_bytes(data)
    return path


def test_label_maps_and_pictures_are_pngs(model: Segmenter) -> None:
    data = encode(make_image())
    reference = model.predict(model.reading.open(_saved(data, "png"))).labels
    labels = post(model, "/predict?format=png", content=data)
    assert labels.headers["content-type"] == "image/png"
    assert np.array_equal(decode(labels.content), reference)
    picture = post(model, "/predict?format=overlay", content=data)
    assert decode(picture.content).shape == (45, 70, 3)
    both = post(model, "/predict?masks=png&overlay=true", content=data).json()
    assert np.array_equal(decode(base64.b64decode(both["label_png"])), reference)
    assert base64.b64decode(both["overlay_png"]) == picture.content
    assert both["masks"] is None
    neither = post(model, "/predict?masks=none", content=data).json()
    assert (neither["masks"], neither["label_png"], neither["overlay_png"]) == (None, None, None)


def test_images_in_a_batch_get_the_same_answer_as_alone(model: Segmenter) -> None:
    images = [encode(make_image(seed)) for seed in range(6)]

    async def ask(client: httpx.AsyncClient) -> list[httpx.Response]:
        return await asyncio.gather(*(client.post("/predict", content=data) for data in images))

    together = [answer.json() for answer in talk(model, ask, batch=6, batch_wait=10.0)]
    assert [found["batch"] for found in together] == [6] * 6
    for data, found in zip(images, together, strict=True):
        alone = post(model, content=data, options={"batch": 1}).json()
        assert alone["batch"] == 1
        assert found["masks"] == alone["masks"]
        for one, other in zip(found["regions"], alone["regions"], strict=True):
            assert one["mean_score"] == pytest.approx(other["mean_score"], abs=2e-5)


def test_a_large_image_goes_in_tiles(model: Segmenter) -> None:
    data = encode(make_image(size=(150, 230)))
    found = post(model, content=data).json()
    reference = model.predict(model.reading.open(_saved(data, "png"))).labels
    assert np.array_equal(paint(found["masks"], ["ground", "pit", "scratch"], (150, 230)), reference)


def test_an_ensemble_says_how_much_its_members_disagree(model: Segmenter) -> None:
    found = post(join_segmenters([model], tta="flips"), content=encode(make_image())).json()
    assert all(0 <= region["mean_disagreement"] <= 1 for region in found["regions"])
    alone = post(model, content=encode(make_image())).json()
    assert all(region["mean_disagreement"] is None for region in alone["regions"])


def test_pixels_without_data_are_a_mask_of_their_own(tmp_path: Path) -> None:
    pytest.importorskip("rasterio", reason="the extra raster is not installed")
    pixels = make_image().astype(np.float32)
    pixels[3:9, 5:20] = np.nan
    tifffile.imwrite(tmp_path / "hole.tif", pixels)
    found = post(
        make_segmenter(tile=96, format="raster"), content=(tmp_path / "hole.tif").read_bytes()
    ).json()
    (ignored,) = [mask for mask in found["masks"] if mask["class_name"] == "ignored"]
    painted = paint([{**ignored, "class_name": "x"}], ["", "x"], (45, 70))
    assert np.array_equal(painted == 1, np.isnan(pixels))


def test_an_image_unlike_those_of_training_comes_with_a_warning(model: Segmenter) -> None:
    found = post(model, content=encode(np.zeros((40, 40), np.uint8))).json()
    assert "does not look like the training images: band 0 has mean 0" in found["warning"]


def _bomb(height: int, width: int) -> bytes:
    """A png of a few bytes that claims to be large."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = b""
    for name, data in ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")):
        chunks += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return b"\x89PNG\r\n\x1a\n" + chunks


def _many_pages() -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, np.zeros((40, 50, 60), np.uint8), photometric="minisblack")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "media", "status", "text"),
    [
        (b"", "image/png", 400, "holds no image (0 bytes)"),
        (b"hello", "image/png", 400, "is said to be image/png, but does not begin like one"),
        (encode(make_image())[:200], "image/png", 400, "The image cannot be decoded"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "image/png", 400, "The image is not an image that can be read"),
        (b"II*\x00" + bytes(100), "image/tiff", 400, "The image"),
        (
            b"hello",
            "application/octet-stream",
            415,
            "image/png, image/jpeg, image/tiff are expected, but this is none",
        ),
        (b"hello", "text/plain", 415, "are expected, but 'text/plain' came; convert the image"),
        (encode(make_image(), "gif"), "image/gif", 415, "'image/gif' came"),
        (
            _bomb(40_000, 40_000),
            "image/png",
            413,
            "may have 0.01 megapixels, but this one has 1600 (40000 x 40000)",
        ),
        (encode(make_image(size=(101, 100))), "image/png", 413, "this one has 0.0101 (101 x 100)"),
        (
            encode(make_image(bands=3)),
            "image/png",
            422,
            "takes images of 1 bands, but this one has 3; send others",
        ),
        (_many_pages(), "image/tiff", 422, "takes images of 1 bands, but this one has 40"),
        (bytes(200_001), "image/png", 413, "may have 0.2 megabytes, but this one has more"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("by_form", [False, True])
def test_what_cannot_be_judged_is_refused_in_one_line(
    model: Segmenter, content: bytes, media: str, status: int, text: str, by_form: bool
) -> None:
    request: dict[str, Any] = {"content": content, "headers": {"content-type": media}}
    if by_form:
        request = {"files": {"image": ("a.png", content, media)}}
    answer = post(model, options={"max_megapixels": 0.01, "max_megabytes": 0.2}, **request)
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    message = answer.json()["error"]
    assert text in message
    assert "rareseg-" not in message, "no path of the server shows"
    assert "\n" not in message


def test_a_body_of_unknown_length_is_counted_as_it_comes(model: Segmenter) -> None:
    async def chunks() -> Any:
        for _ in range(100):
            yield bytes(1000)

    answer = post(model, options={"max_megabytes": 0.02}, content=chunks())
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"


def _choosing(band: int) -> Segmenter:
    model = make_segmenter(tile=96)
    return replace(model, reading=replace(model.reading, bands=(band,)))


def test_bands_beyond_those_of_the_model_are_no_way_round_the_limit() -> None:
    data = _many_pages()
    answer = post(_choosing(2), options={"max_megapixels": 0.1}, content=data)
    assert (answer.status_code, answer.json()["error"][:54]) == (
        413,
        "Images may have 0.1 megapixels, but this one has 0.12 ",
    )
    answer = post(_choosing(40), content=data)
    assert answer.status_code == 422
    assert "takes band 40, counted from 0, but this image has 40 bands" in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"data": {"image": "x"}}, "None of"),
        ({"files": {"a": ("a.png", b"1"), "b": ("b.png", b"2")}}, "Too many files"),
        ({"content": b"nonsense", "headers": {"content-type": "multipart/form-data"}}, "Missing boundary"),
        (
            {"content": b"nonsense", "headers": {"content-type": "multipart/form-data; boundary=x"}},
            "send one image as its only file",
        ),
    ],
)
def test_forms_hold_one_image(model: Segmenter, body: dict[str, Any], text: str) -> None:
    answer = post(model, **body)
    if text == "None of":
        # Without a file, httpx sends a form of another type.
        assert (answer.status_code, "x-www-form-urlencoded' came" in answer.text) == (415, True)
    else:
        assert answer.status_code == 400
        assert text in answer.json()["error"]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("format=jpg", "format should be one of json, png, overlay, but is 'jpg'"),
        ("masks=all", "masks should be one of rle, png, none, but is 'all'"),
        ("format=png&masks=rle", "With format=png the answer is a picture, on which masks has no effect"),
        ("threshold=0.5", "There is no option 'threshold'; known: format, masks, overlay."),
    ],
)
def test_queries_that_cannot_take_effect_are_refused(model: Segmenter, query: str, text: str) -> None:
    answer = post(model, f"/predict?{query}", content=encode(make_image()))
    assert answer.status_code == 400
    assert text in answer.json()["error"]


def _held(model: Segmenter) -> tuple[Segmenter, HeldEngine]:
    engine = HeldEngine(model.judge.predictor.engine)
    judge = replace(model.judge, predictor=model.judge.predictor.with_engine(engine))
    return replace(model, judge=judge), engine


def test_a_full_server_says_when_to_come_again(model: Segmenter) -> None:
    held, engine = _held(model)
    data = encode(make_image())

    async def ask(client: httpx.AsyncClient) -> tuple[list[httpx.Response], httpx.Response]:
        first = [asyncio.create_task(client.post("/predict", content=data)) for _ in range(2)]
        assert await asyncio.to_thread(engine.entered.wait, 30)
        full = await client.post("/predict", content=data)
        engine.free.set()
        return await asyncio.gather(*first), full

    answered, full = talk(held, ask, queue=2, batch=1)
    assert [answer.status_code for answer in answered] == [200, 200]
    assert full.status_code == 503
    assert full.headers["retry-after"] == "1"
    assert full.json()["error"] == "2 requests are on their way already; ask again later."


def test_work_that_is_late_is_dropped_unless_it_has_begun(model: Segmenter, tmp_path: Path) -> None:
    held, engine = _held(model)
    data = encode(make_image())

    async def ask(client: httpx.AsyncClient) -> list[httpx.Response]:
        first = asyncio.create_task(client.post("/predict", content=data))
        assert await asyncio.to_thread(engine.entered.wait, 30)
        second = asyncio.create_task(client.post("/predict", content=data))
        late = await asyncio.gather(first, second)
        # The network is at work on the first image, whose file is there still; that of the second is gone.
        assert len(list(tmp_path.glob("rareseg-*"))) == 1
        engine.free.set()
        return late

    late = talk(held, ask, timeout=1.0, batch=1)
    assert [answer.status_code for answer in late] == [504, 504]
    assert "was not done within 1 s" in late[0].json()["error"]
    assert engine.batches == [1]


def test_an_image_that_comes_too_slowly_is_given_up(model: Segmenter) -> None:
    async def slowly() -> Any:
        yield encode(make_image())[:10]
        await asyncio.sleep(5)

    started = time.monotonic()
    answer = post(model, options={"timeout": 0.3}, content=slowly())
    assert answer.status_code == 408
    assert "did not come within 0.3 s" in answer.json()["error"]
    assert time.monotonic() - started < 4


def test_a_fault_of_the_server_is_not_blamed_on_the_image(model: Segmenter) -> None:
    broken = replace(model, judge=replace(model.judge, decision=None))
    answer = post(broken, content=encode(make_image()))
    assert answer.status_code == 500
    assert answer.json() == {"error": "This is a fault of the server, not of the image; its log says more."}


def test_health_metrics_and_the_log_tell_what_happened(
    model: Segmenter, caplog: pytest.LogCaptureFixture
) -> None:
    async def ask(client: httpx.AsyncClient) -> list[httpx.Response]:
        await client.post("/predict", content=encode(make_image()))
        await client.post("/predict", content=b"hello")
        await client.get("/no/such/place")
        return [await client.get(path) for path in ("/health", "/health/live", "/metrics", "/predict", "/no")]

    with caplog.at_level(logging.INFO, "rareseg.serve"):
        health, live, metrics, wrong, absent = talk(model, ask)
    assert health.json() == {"status": "ready", "model": "study/model", "waiting": 0}
    assert live.json() == {"status": "live"}
    lines = metrics.text.splitlines()
    assert metrics.headers["content-type"].startswith("text/plain")
    for line in (
        'rareseg_requests_total{path="/predict",status="200"} 1.0',
        'rareseg_requests_total{path="/predict",status="415"} 1.0',
        'rareseg_requests_total{path="other",status="404"} 1.0',
        "rareseg_request_seconds_count 1.0",
        "rareseg_megapixels_total 0.00315",
        "rareseg_batch_images_sum 1.0",
        "rareseg_queue_length 0.0",
    ):
        assert line in lines
    assert (wrong.status_code, absent.status_code) == (405, 404)
    assert "see /openapi.json" in absent.json()["error"]
    logged = [json.loads(record.message) for record in caplog.records if record.name == "rareseg.serve"]
    assert logged[0]["path"] == "/predict"
    assert logged[0]["size"] == [45, 70]
    assert {"time", "client", "method", "seconds", "bytes", "batch", "waited", "judged"} <= set(logged[0])
    assert (logged[1]["status"], "are expected" in logged[1]["error"]) == (415, True)


def test_a_stopping_server_is_not_ready(model: Segmenter) -> None:
    service = Service(model, ServeOptions(), name="m")
    service.close()

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(make_app(service)), base_url="http://s"
        ) as client:
            return [
                await client.get("/health"),
                await client.get("/health/live"),
                await client.post("/predict", content=encode(make_image())),
            ]

    health, live, late = asyncio.run(ask())
    assert (health.status_code, health.json()["status"], live.status_code) == (503, "stopping", 200)
    assert (late.status_code, late.headers["retry-after"]) == (503, "5")


def test_the_description_knows_every_address_option_and_status(model: Segmenter) -> None:
    app = make_app(Service(model, ServeOptions(), name="m"))
    description = talk(model, lambda client: client.get("/openapi.json")).json()
    assert set(description["paths"]) == {route.path for route in app.routes}
    predict = description["paths"]["/predict"]["post"]
    assert {one["name"]: one["schema"]["enum"] for one in predict["parameters"]} == {
        "format": ["json", "png", "overlay"],
        "masks": ["rle", "png", "none"],
        "overlay": ["true", "false"],
    }
    assert set(predict["responses"]) == {"200", "400", "408", "413", "415", "422", "503", "504"}
    schema = description["components"]["schemas"]["Answer"]
    assert set(schema["properties"]) == set(Answer.model_fields)
    text = json.dumps(description)
    for name in [part.split('"')[0] for part in text.split("#/components/schemas/")[1:]]:
        assert name in description["components"]["schemas"]


def test_the_page_needs_nothing_from_elsewhere(model: Segmenter) -> None:
    page = talk(model, lambda client: client.get("/"))
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "http:" not in page.text
    assert "https:" not in page.text


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"max_megapixels": 0.0}, "Expected max_megapixels above 0, but got 0"),
        ({"timeout": float("nan")}, "Expected timeout above 0, but got nan"),
        ({"batch": 0}, "Expected batch of at least 1, but got 0"),
        ({"batch_wait": -1.0}, "Expected batch_wait of at least 0, but got -1"),
    ],
)
def test_limits_that_let_nothing_pass_are_refused(options: dict[str, Any], text: str) -> None:
    from rareseg.errors import OptionError

    with pytest.raises(OptionError, match=text):
        ServeOptions(**options)
