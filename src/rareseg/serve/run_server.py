"""A server of one process, from its socket to its end."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator

import uvicorn
from starlette.applications import Starlette

from rareseg.errors import OptionError
from rareseg.serve.request_log import LOGGER

__all__ = ["is_loopback", "open_socket", "run_server"]


def open_socket(host: str, port: int) -> socket.socket:
    """A socket at which to listen; port 0 takes a free one.

    Raises:
        OptionError: The port is taken, or the host is not one of this machine's.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        server = socket.socket(family)
    except (OSError, OverflowError, UnicodeError) as error:
        raise OptionError(f"'{host}' is no address to listen at ({error}); give another --host.") from None
    try:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(address)
    except OSError as error:
        server.close()
        raise OptionError(
            f"{host}, port {port} cannot be listened at ({error.strerror}); give another --port or --host."
        ) from None
    return server


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine reach a host.

    Example:
        >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
        (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def run_server(
    app: Starlette, server: socket.socket, *, grace: float, started: Callable[[], None] | None = None
) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish what is on its way.

    Args:
        app: Answers requests.
        server: Listens.
        grace: Seconds that requests on their way have to end.
        started: Is called when the server listens.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=max(1, round(grace)),
        lifespan="on",
    )
    runner = _Runner(config, started or (lambda: None))
    try:
        with _signals_end_quietly(runner), server:
            runner.run(sockets=[server])
    finally:
        LOGGER.removeHandler(handler)


class _Runner(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._say_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._say_started()


@contextlib.contextmanager
def _signals_end_quietly(runner: uvicorn.Server) -> Iterator[None]:
    """Let the end by a signal be an end like any other: uvicorn raises signals again when it has stopped."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        runner.should_exit = True

    earlier = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
