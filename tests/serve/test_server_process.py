"""A real server in a process of its own, asked over the network."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from rareseg.cli.main import main
from rareseg.serve.run_server import is_loopback


@contextmanager
def served(run: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Address and process of a server at a free port."""
    command = [sys.executable, "-m", "rareseg", "serve", str(run), "--port", "0", "--device", "cpu", *options]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        found = None
        while found is None:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            found = re.search(r"at (http://\S+) ", line)
        yield found[1], process
    finally:
        process.kill()
        process.communicate()


def png(size: tuple[int, int], seed: int = 0) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, size).astype(np.uint8)).save(
        file, format="PNG"
    )
    return file.getvalue()


def test_a_served_run_says_what_its_evaluation_said_and_ends_in_peace(finished_study: Path) -> None:
    run, images = finished_study / "baseline" / "seed-0", finished_study.parent / "data" / "images"
    expected = sorted((run / "predictions" / "test").glob("*.png"))
    with served(run) as (address, process):
        for path in expected:
            with (images / path.name).open("rb") as file:
                answer = httpx.post(f"{address}/predict?format=png", files={"image": file}, timeout=60)
            assert answer.status_code == 200, answer.text
            with Image.open(io.BytesIO(answer.content)) as found, Image.open(path) as judged:
                assert np.array_equal(np.asarray(found), np.asarray(judged))
        assert httpx.get(f"{address}/health").json()["model"] == "baseline/seed-0"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    statuses = [json.loads(line)["status"] for line in out.splitlines()]
    assert statuses == [200] * (len(expected) + 1)


def test_the_examples_of_the_page_work(
    finished_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with Image.open(finished_study.parent / "data" / "images" / "im08.png") as image:
        image.save("foil.tif")
    with served(finished_study / "remedy" / "seed-0") as (address, _):
        page = page.replace("http://127.0.0.1:8000", address)
        code = page[page.index("    import httpx") :].split("\n\nThe label map")[0]
        exec(compile(textwrap.dedent(code), "serving.md", "exec"), {})
        assert capsys.readouterr().out.count("\n") > 0
        commands = re.findall(r"^curl .*", page, flags=re.M)
        assert len(commands) == 5
        if shutil.which("curl") is None:
            pytest.skip("curl is not installed")
        for command in commands:
            subprocess.run(
                [*shlex.split(command), "--fail", "--silent"], check=True, stdout=subprocess.DEVNULL
            )
    with Image.open("labels.png") as labels, Image.open("overlay.png") as overlay:
        assert labels.size == overlay.size == (88, 72)


def test_a_bundle_is_served_under_its_name(finished_study: Path, tmp_path: Path) -> None:
    run, image = (
        finished_study / "baseline" / "seed-0",
        finished_study.parent / "data" / "images" / "im08.png",
    )
    assert main(["export", str(run), "--out", str(tmp_path / "line-3")]) == 0
    with served(tmp_path / "line-3", "--backend", "torch") as (address, _):
        answer = httpx.post(f"{address}/predict?format=png", content=image.read_bytes(), timeout=60)
        assert httpx.get(f"{address}/health").json()["model"] == "line-3"
    with (
        Image.open(io.BytesIO(answer.content)) as found,
        Image.open(run / "predictions/test/im08.png") as judged,
    ):
        assert np.array_equal(np.asarray(found), np.asarray(judged))


def test_requests_on_their_way_are_answered_after_sigterm(finished_study: Path) -> None:
    with served(finished_study / "baseline" / "seed-0", "--batch", "1", "--tta", "turns") as (
        address,
        process,
    ):
        answers: list[httpx.Response] = []

        def ask(seed: int) -> None:
            answers.append(
                httpx.post(f"{address}/predict?masks=none", content=png((900, 900), seed), timeout=60)
            )

        threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(3)]
        for thread in threads:
            thread.start()
        # Until all three are in the house; turned views take seconds.
        while httpx.get(f"{address}/health").json()["waiting"] < 2:
            pass
        process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        assert process.wait(30) == 0
    assert [answer.status_code for answer in answers] == [200] * 3


def test_a_body_that_is_too_large_is_refused_while_it_comes(finished_study: Path) -> None:
    with served(finished_study / "baseline" / "seed-0", "--max-megabytes", "0.1") as (address, _):
        answer = httpx.post(f"{address}/predict", content=bytes(150_000), timeout=60)
        assert (answer.status_code, answer.headers["connection"]) == (413, "close")
        assert httpx.get(f"{address}/health").status_code == 200


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            ["--port", "{taken}"],
            "cannot be listened at (Address already in use); give another --port or --host.",
        ),
        (["--host", "no such host"], "'no such host' is no address to listen at"),
        (["--queue", "0"], "Expected queue of at least 1, but got 0"),
        (["--tta", "spin"], "There is no test-time augmentation named 'spin'"),
    ],
)
def test_mistakes_are_one_line(
    finished_study: Path, capsys: pytest.CaptureFixture[str], options: list[str], text: str
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        filled = [option.format(taken=taken.getsockname()[1]) for option in options]
        run = finished_study / "baseline" / "seed-0"
        assert main(["serve", str(run), "--port", "0", "--device", "cpu", *filled]) == 2
    error = capsys.readouterr().err
    assert text in error
    assert error.count("\n") == 1


def test_a_missing_extra_is_named(
    finished_study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["serve", str(finished_study / "baseline" / "seed-0")]) == 2
    assert "Install it: pip install 'rareseg[serve]'" in capsys.readouterr().err


def test_a_server_for_others_warns(finished_study: Path) -> None:
    with served(finished_study / "baseline" / "seed-0", "--host", "0.0.0.0") as (address, process):
        assert address.startswith("http://0.0.0.0:")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert err.startswith("warning: whoever reaches 0.0.0.0 can send images")


def test_what_is_loopback() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "example.org"))
