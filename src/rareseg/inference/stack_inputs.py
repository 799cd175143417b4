"""Tiles of a stack as images to predict: which array, and how to read each tile."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rareseg.data.array_file import ArrayPlace, array_in, arrays_text, list_arrays
from rareseg.data.mapped_array import MappedArray
from rareseg.data.stack_images import StackImages
from rareseg.errors import DataError, OptionError

__all__ = ["stack_inputs"]


def stack_inputs(
    path: Path, *, key: str | None, num_bands: int, exact: bool
) -> tuple[StackImages, list[str]]:
    """Images of a stack with their names, such as ``test_set/0012``.

    Args:
        path: An .npz or .npy file.
        key: The array; None for the only one that fits.
        num_bands: Bands that a tile must have.
        exact: Whether it may have no more than these.

    Raises:
        OptionError: Several arrays fit and none is named.
        ConfigError: There is no array of that name.
        DataError: No array fits, or the one that was named does not.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.npz"
        ...     np.savez(path, training_set=np.zeros((9, 2, 40, 48)), test_set=np.zeros((3, 40, 48)))
        ...     images, names = stack_inputs(path, key=None, num_bands=1, exact=True)
        >>> names, images.header(names[0]).height
        (['test_set/0000', 'test_set/0001', 'test_set/0002'], 40)
    """
    arrays = list_arrays(path)
    if key is None:
        key = _only_fit(arrays, path, num_bands=num_bands, exact=exact)
    place = array_in(arrays, key, path, option="--key")
    axes = _axes(place, num_bands, exact=exact)
    if axes is None:
        raise DataError(
            f"'{path}:{key}' is {' x '.join(map(str, place.shape))} {place.dtype.name}, but a stack of images of "
            f"{_bands(num_bands, exact=exact)} was expected: n, h, w, or n, c, h, w, or n, h, w, c. Name "
            f"another array with --key. The file holds: {arrays_text(arrays)}."
        )
    num = place.shape[0]
    digits = max(4, len(str(num - 1)))
    positions = {f"{key}/{position:0{digits}d}": position for position in range(num)}
    return StackImages(MappedArray(place), axes, positions), list(positions)


def _only_fit(arrays: Mapping[str, ArrayPlace], path: Path, *, num_bands: int, exact: bool) -> str:
    fitting = [name for name, place in arrays.items() if _axes(place, num_bands, exact=exact) is not None]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise OptionError(
            f"'{path}' has several stacks of images of {_bands(num_bands, exact=exact)}: "
            f"{', '.join(fitting)}; say which: --key {fitting[0]}."
        )
    raise DataError(
        f"'{path}' has no stack of images of {_bands(num_bands, exact=exact)}. It holds: {arrays_text(arrays)}."
    )


def _bands(num_bands: int, *, exact: bool) -> str:
    return f"{num_bands}{'' if exact else ' or more'} band{'' if num_bands == 1 and exact else 's'}"


def _axes(place: ArrayPlace, num_bands: int, *, exact: bool) -> str | None:
    """The order in which an array is a stack of images with these bands."""
    if place.dtype.kind not in "buif" or 0 in place.shape:
        return None
    if len(place.shape) == 3:
        return "nhw" if num_bands == 1 else None
    if len(place.shape) != 4:
        return None
    for axes, channels, rest in (("nchw", 1, 3), ("nhwc", 3, 2)):
        number = place.shape[channels]
        fits = number == num_bands if exact else num_bands <= number < min(place.shape[2], place.shape[rest])
        if fits:
            return axes
    return None
