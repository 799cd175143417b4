"""A request that gets no prediction, and why."""

from __future__ import annotations

from rareseg.errors import RaresegError

__all__ = ["Refusal"]


class Refusal(RaresegError):
    """Becomes the answer to the client.

    Args:
        status: HTTP status (RFC 9110): 400 broken, 408 sent too slowly, 413 too large, 415 of another type, 422 of
            other bands, 503 busy, 504 not done in time.
        text: What was expected, what came, and what to do, in one line.
        retry_after: Seconds after which it is worth another try.

    Example:
        >>> refusal = Refusal(413, "Images may have 50 megapixels, but this one has 64; cut it into smaller ones.")
        >>> refusal.status, str(refusal)[:31]
        (413, 'Images may have 50 megapixels, ')
    """

    def __init__(self, status: int, text: str, *, retry_after: int | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.retry_after = retry_after
