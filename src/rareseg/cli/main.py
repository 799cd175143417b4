"""The command line: each verb in its own file, all errors and exit codes here."""

from __future__ import annotations

import errno
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from rareseg import __version__
from rareseg.cli import (
    cost,
    demo,
    export,
    inspect,
    plan,
    predict,
    report,
    run,
    schema,
    serve,
    strategies,
    tune,
)
from rareseg.errors import Interrupted, RaresegError

__all__ = ["app", "main"]

# Typer carries click or its own copy of it, depending on the version; this is its base of usage errors in both.
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]

_CURES = {
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "give a place that you may read and write"),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "make room, and give the same command again to go on"),
    **dict.fromkeys((errno.ENOTDIR, errno.EEXIST), "a file is in the way; give another place"),
    errno.ENAMETOOLONG: "give a shorter name",
}
"""What the user can do where the system refuses a file or folder."""

app = typer.Typer(
    name="rareseg",
    help="Semantic segmentation for classes that are a sliver of the pixels.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    rich_markup_mode=None,
)
app.command("demo")(demo.demo)
app.command("inspect")(inspect.inspect)
app.command("strategies")(strategies.strategies)
app.command("plan")(plan.plan)
app.command("run")(run.run)
app.command("report")(report.report)
app.command("tune")(tune.tune)
app.command("export")(export.export)
app.command("predict")(predict.predict)
app.command("serve")(serve.serve)
app.command("cost")(cost.cost)
app.command("schema")(schema.schema)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rareseg {__version__}")
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    pass


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line in this process.

    Args:
        args: Arguments without the program's name; by default those of the process.

    Returns:
        0 on success, 2 for a mistake that the user can mend (one line on standard error), 130 when the user
        stopped it, 1 for a fault of rareseg (with a traceback).
    """
    arguments = list(sys.argv[1:] if args is None else args)
    try:
        result = app(arguments, standalone_mode=False)
    except typer.Exit as stop:
        return int(stop.exit_code)
    except RaresegError as error:
        return _say(f"error: {_one_line(str(error))}", 2)
    except _UsageError as error:
        text = error.format_message() if hasattr(error, "format_message") else str(error)
        return _say(f"error: {_one_line(text)} Help: rareseg --help", 2)
    except Interrupted as stop:
        return _say(f"stopped: {stop}", 130)
    except (KeyboardInterrupt, typer.Abort):
        return _say("stopped: what was finished is on disk; the same command continues.", 130)
    except BrokenPipeError:
        return 0
    except OSError as error:
        if error.errno in _CURES and error.filename is not None:
            return _say(f"error: '{error.filename}': {error.strerror}; {_CURES[error.errno]}.", 2)
        return _fault()
    except Exception:  # the one place where a fault of rareseg itself ends
        return _fault()
    return result if isinstance(result, int) else 0


def _fault() -> int:
    traceback.print_exc()
    return _say("error: this is a fault in rareseg, not in your data; please report the lines above.", 1)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _say(text: str, code: int) -> int:
    print(text, file=sys.stderr)
    return code


def entry_point() -> None:
    """What the installed ``rareseg`` command calls."""
    sys.exit(main())
