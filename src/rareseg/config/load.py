"""Turn a mapping into a pydantic model; every problem becomes one line that names file, key and cure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from rareseg.artefacts import read_yaml
from rareseg.errors import ConfigError, did_you_mean

__all__ = ["Settings", "load_settings", "parse_settings"]

S = TypeVar("S", bound="Settings")


class Settings(BaseModel):
    """Base of all configuration models: frozen, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, protected_namespaces=())


def load_settings(model: type[S], path: Path) -> S:
    """Read ``path`` as YAML into ``model``.

    Raises:
        ConfigError: The file is missing or not YAML, or a key is unknown or has a wrong value.
    """
    return parse_settings(model, read_yaml(Path(path)), where=str(path))


def parse_settings(model: type[S], value: Mapping[str, Any], *, where: str) -> S:
    """Check ``value`` against ``model``; ``where`` names its origin in the message.

    Raises:
        ConfigError: One line for the first problem, with the number of further ones.
    """
    try:
        return model.model_validate(dict(value))
    except ValidationError as error:
        problems = error.errors(include_url=False)
        first = problems[0]
        more = f" ({len(problems) - 1} more problems follow.)" if len(problems) > 1 else ""
        raise ConfigError(f"'{where}': {_describe(model, dict(first))}{more}") from None


def _describe(model: type[BaseModel], problem: dict[str, Any]) -> str:
    location = [
        part for part in problem["loc"] if not (isinstance(part, str) and part.startswith("function-"))
    ]
    key = ".".join(str(part) for part in location)
    if problem["type"] == "extra_forbidden":
        known = _fields_at(model, location[:-1])
        options = f" Known here: {', '.join(known)}." if known else ""
        return f"there is no key '{key}'.{did_you_mean(str(location[-1]), known)}{options}"
    if problem["type"] == "missing":
        return f"the key '{key}' is missing; add it."
    message = str(problem["msg"]).removeprefix("Value error, ")
    came = problem.get("input")
    shown = "" if isinstance(came, dict | list) or not key else f" (came: {came!r})"
    return f"{f'{key}: ' if key else ''}{message}{shown}"


def _fields_at(model: type[BaseModel], location: list[Any]) -> list[str]:
    """The keys of the model that ``location`` leads to, or none where the way is not plain."""
    current: Any = model
    for part in location:
        if isinstance(part, int):
            continue
        field = getattr(current, "model_fields", {}).get(part)
        if field is None:
            return []
        current = _model_in(field.annotation)
        if current is None:
            return []
    return sorted(current.model_fields)


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _model_in(inner)
        if found is not None:
            return found
    return None
