"""Every exception that a user's mistake can raise, drawn as a tree.

    RaresegError                 exit code 2: the user can mend it
    ├── ConfigError              a yaml file or command-line option is wrong
    │   ├── UnknownNameError     a name that no registry holds
    │   └── OptionError          an option that cannot take effect here
    ├── DataError                images, masks, tables or splits are wrong
    │   ├── MissingFileError     a file that a table or folder promises is absent
    │   ├── UnreadableFileError  truncated, corrupt or of an unknown format
    │   ├── SizeMismatchError    image and mask differ in size
    │   ├── UnknownLabelError    a mask value or colour that no class owns
    │   ├── DuplicateSampleError the same sample id twice
    │   └── SplitError           an empty part, a group in two parts, a class without training images
    ├── ArtefactError            a file of an earlier verb is missing, damaged or of another version
    │   └── BusyError            another process is at work there
    ├── TrainingError            training cannot go on
    │   └── NonFiniteLossError   NaN or infinite loss
    └── MissingExtraError        an optional package is not installed
    Interrupted                  the user pressed Ctrl-C; progress is saved

A message says what was expected, what came, and what to do, in one line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "ArtefactError",
    "BusyError",
    "ConfigError",
    "DataError",
    "DuplicateSampleError",
    "Interrupted",
    "MissingExtraError",
    "MissingFileError",
    "NonFiniteLossError",
    "OptionError",
    "RaresegError",
    "SizeMismatchError",
    "SplitError",
    "TrainingError",
    "UnknownLabelError",
    "UnknownNameError",
    "UnreadableFileError",
    "did_you_mean",
]


class RaresegError(Exception):
    """Base of every error that the user can mend; its text is one line.

    Example:
        >>> try:
        ...     raise UnknownNameError("loss", "focl", ["focal", "cross_entropy"])
        ... except RaresegError as error:
        ...     print(error)
        There is no loss named 'focl'. Did you mean 'focal'? Known: cross_entropy, focal.
    """


class ConfigError(RaresegError):
    """A yaml file or a command-line option is wrong."""


_MOST_NAMES = 80
"""Names that a message lists; the samples of a dataset can be thousands."""


class UnknownNameError(ConfigError):
    """A name was asked for that no registry holds.

    Args:
        kind: What was looked up, such as ``"loss"``.
        name: The name that came.
        known: The names that exist.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        options = sorted(known)
        shown = ", ".join(options[:_MOST_NAMES])
        more = f" and {len(options) - _MOST_NAMES} more" if len(options) > _MOST_NAMES else ""
        super().__init__(
            f"There is no {kind} named '{name}'.{did_you_mean(name, options)} Known: {shown}{more}."
        )


class OptionError(ConfigError):
    """An option cannot take effect where it was given."""


class DataError(RaresegError):
    """Images, masks, tables or splits are wrong."""


class MissingFileError(DataError):
    """A file that a table or a folder promises is absent."""


class UnreadableFileError(DataError):
    """A file is truncated, corrupt or of an unknown format."""


class SizeMismatchError(DataError):
    """Image and mask differ in size."""


class UnknownLabelError(DataError):
    """A mask holds a value or colour that no class owns."""


class DuplicateSampleError(DataError):
    """The same sample id occurs twice."""


class SplitError(DataError):
    """A part is empty, a group lies in two parts, or a class has no training image."""


class ArtefactError(RaresegError):
    """A file written by an earlier verb is missing, damaged or of another version."""


class BusyError(ArtefactError):
    """Another process is at work on the same results."""


class TrainingError(RaresegError):
    """Training cannot go on."""


class NonFiniteLossError(TrainingError):
    """The loss became NaN or infinite."""


class MissingExtraError(RaresegError):
    """An optional package is not installed.

    Args:
        package: The package that is missing.
        extra: The extra of rareseg that brings it.
        purpose: What it is needed for.
    """

    def __init__(self, package: str, *, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package '{package}'. Install it: pip install 'rareseg[{extra}]'"
        )


class Interrupted(Exception):
    """The user pressed Ctrl-C; what was done so far is saved."""


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the nearest option, or an empty string.

    Example:
        >>> did_you_mean("focl", ["focal", "dice"])
        " Did you mean 'focal'?"
    """
    near = difflib.get_close_matches(name, list(options), n=1, cutoff=0.6)
    return f" Did you mean '{near[0]}'?" if near else ""
