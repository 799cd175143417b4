"""``python -m rareseg`` is the command line."""

from rareseg.cli.main import entry_point

entry_point()
