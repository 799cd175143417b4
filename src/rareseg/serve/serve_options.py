"""The limits of a server."""

from __future__ import annotations

from dataclasses import dataclass

from rareseg.errors import OptionError

__all__ = ["ServeOptions"]


@dataclass(frozen=True)
class ServeOptions:
    """What one server takes on.

    Memory is bounded: at most ``queue`` requests are on their way at once, each with at most ``max_megabytes`` as it
    came and, unless it is a tif, which is read piece by piece, ``max_megapixels`` as pixels.

    Args:
        max_megapixels: Millions of pixels of an image, by its header, before it is decoded.
        max_megabytes: Millions of bytes of a request's body.
        timeout: Seconds for a request's body to come, and again for its prediction to be done.
        batch: Images of one size that go through the network together, at most; 1 for each alone.
        batch_wait: Seconds that an image waits for others to go with.
        queue: Requests on their way; more are told to come again later.

    Raises:
        OptionError: A limit is too small to let anything pass.

    Example:
        >>> ServeOptions(batch=4).timeout
        60.0
    """

    max_megapixels: float = 50.0
    max_megabytes: float = 64.0
    timeout: float = 60.0
    batch: int = 8
    batch_wait: float = 0.005
    queue: int = 32

    def __post_init__(self) -> None:
        for name in ("max_megapixels", "max_megabytes", "timeout"):
            if not getattr(self, name) > 0:
                raise OptionError(
                    f"Expected {name} above 0, but got {getattr(self, name):g}; give a larger number."
                )
        for name in ("batch", "queue"):
            if getattr(self, name) < 1:
                raise OptionError(
                    f"Expected {name} of at least 1, but got {getattr(self, name)}; give a larger number."
                )
        if not self.batch_wait >= 0:
            raise OptionError(
                f"Expected batch_wait of at least 0, but got {self.batch_wait:g}; give another number."
            )

    @property
    def max_bytes(self) -> int:
        """Of a request's body."""
        return round(self.max_megabytes * 1e6)
