"""The server's description for programs, in OpenAPI 3.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic.json_schema import models_json_schema

from rareseg import __version__
from rareseg.serve.answer import Answer, Masks
from rareseg.serve.upload import TYPES

if TYPE_CHECKING:
    from rareseg.serve.service import Service

__all__ = ["openapi"]

_REFUSALS = {
    400: "The image or the query is broken.",
    408: "The image did not come in time.",
    413: "The image has too many bytes or pixels.",
    415: "The image is of another type.",
    422: "The image has other bands than the model takes.",
    503: "The server is busy or stopping; ask again after the seconds in Retry-After.",
    504: "The prediction was not done in time.",
}


def openapi(service: Service) -> dict[str, Any]:
    """The description; its schemas are those of the objects that answers are made of.

    Args:
        service: The model and its limits.
    """
    from rareseg.serve.service import FORMATS

    _, schemas = models_json_schema([(Answer, "serialization")], ref_template="#/components/schemas/{model}")
    binary = {"schema": {"type": "string", "format": "binary"}}
    refusals = {str(status): _error(text) for status, text in _REFUSALS.items()}
    predict = {
        "summary": "Label map and regions of one image",
        "description": f"Images have up to {service.options.max_megapixels:g} megapixels and requests up to "
        f"{service.options.max_megabytes:g} megabytes.",
        "parameters": [
            _query(
                "format",
                list(FORMATS),
                "json",
                "json, an indexed png of the label map, or a picture for people.",
            ),
            _query("masks", list(get_args(Masks)), "rle", "How json gives the label map."),
            _query("overlay", ["true", "false"], "false", "Whether json holds the picture for people too."),
        ],
        "requestBody": {
            "required": True,
            "content": {
                **dict.fromkeys([*TYPES, "application/octet-stream"], binary),
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {"image": binary["schema"]},
                        "required": ["image"],
                    }
                },
            },
        },
        "responses": {
            "200": {
                "description": "The prediction.",
                "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Answer"}},
                    "image/png": binary,
                },
            },
            **refusals,
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": f"rareseg: {service.name}", "version": __version__},
        "paths": {
            "/predict": {"post": predict},
            "/health": _get(
                "Whether images are judged", "application/json", **{"503": "The server is stopping."}
            ),
            "/health/live": _get("Whether the server answers", "application/json"),
            "/metrics": _get("Figures for Prometheus", "text/plain"),
            "/openapi.json": _get("This description", "application/json"),
            "/": _get("A page to try images", "text/html"),
        },
        "components": {
            "schemas": {
                **schemas["$defs"],
                "Error": {
                    "type": "object",
                    "properties": {"error": {"type": "string"}},
                    "required": ["error"],
                },
            }
        },
    }


def _query(name: str, options: list[str], default: str, text: str) -> dict[str, Any]:
    schema = {"type": "string", "enum": options, "default": default}
    return {"name": name, "in": "query", "required": False, "description": text, "schema": schema}


def _error(text: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _get(summary: str, media: str, **others: str) -> dict[str, Any]:
    responses: dict[str, Any] = {"200": {"description": summary, "content": {media: {}}}}
    responses |= {status: {"description": text} for status, text in others.items()}
    return {"get": {"summary": summary, "responses": responses}}
