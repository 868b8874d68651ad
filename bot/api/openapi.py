"""The OpenAPI 3.1 document, made of the endpoints and the models."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from bot.api import endpoints
from bot.api.endpoints import BASE, JSON, Endpoint
from bot.api.errors import STATUS
from bot.api.fields import LARGEST, LONGEST_NAME
from bot.api.models import Error
from bot.api.place import PLACE_PATTERN
from bot.api.reading import IDEMPOTENCY_KEY, KEY_PATTERN

Json = dict[str, object]

_SCHEMAS: Final = "#/components/schemas/{model}"

_NULL: Final = {"type": "null"}
_WORDS: Final = frozenset({"title", "description"})

_ABOUT: Final = """\
Runs, holds and history of Handrail, by API key. A stack or a run that the key may not \
read does not exist for it (404). Times are RFC 3339 in UTC. Every answer has an \
X-Request-Id, which stands in the bot's log."""

_PARAMETERS: Final[Mapping[str, Json]] = {
    "id": {
        "name": "id",
        "in": "path",
        "required": True,
        "description": "The number of a run.",
        "schema": {"type": "integer", "minimum": 1, "maximum": LARGEST},
    },
    "name": {
        "name": "name",
        "in": "path",
        "required": True,
        "description": "The name of a stack.",
        "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
    },
}
_IDEMPOTENCY: Final[Json] = {
    "name": IDEMPOTENCY_KEY,
    "in": "header",
    "description": (
        "The caller's own name for this request. Sent again with the same body it is "
        "answered with the same run (200); with another body it is refused (409)."
    ),
    "schema": {"type": "string", "pattern": f"^{KEY_PATTERN}$"},
}
_LAST_EVENT: Final[Json] = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "The id of the last event that was received.",
    "schema": {"type": "string", "pattern": f"^({PLACE_PATTERN})?$"},
}
_REQUEST_ID: Final[Json] = {
    "description": "Names the request in the bot's log.",
    "schema": {"type": "string"},
}
_RETRY_AFTER: Final[Json] = {
    "description": "Seconds to wait.",
    "schema": {"type": "integer", "minimum": 1},
}
_LOCATION: Final[Json] = {
    "description": "The path of the run.",
    "schema": {"type": "string"},
}


def document(table: Sequence[Endpoint]) -> Json:
    """Return the OpenAPI document of the endpoints of *table*."""
    paths: defaultdict[str, Json] = defaultdict(dict)
    for endpoint in table:
        paths[f"{BASE}{endpoint.path}"][endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Handrail", "version": "1", "description": _ABOUT},
        "paths": dict(paths),
        "components": {
            "schemas": _schemas(table),
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, `hr_…`, as `handrail key create` made.",
                }
            },
        },
        "security": [{"key": []}],
    }


def _operation(endpoint: Endpoint) -> Json:
    operation: Json = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "parameters": list(_parameters(endpoint)),
        "responses": {**_answers(endpoint), **_errors(endpoint)},
    }
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": _ref(endpoint.body)}},
        }
    if endpoint.is_open:
        operation["security"] = []
    return operation


def _parameters(endpoint: Endpoint) -> Iterator[Json]:
    for name, parameter in _PARAMETERS.items():
        if f"{{{name}}}" in endpoint.path:
            yield parameter
    if endpoint.query is not None:
        yield from _query(endpoint.query)
    if endpoint.is_repeatable:
        yield _IDEMPOTENCY
    if endpoint.is_resumable:
        yield _LAST_EVENT


def _query(model: type[BaseModel]) -> Iterator[Json]:
    schema = model.model_json_schema(ref_template=_SCHEMAS)
    for name, field in schema["properties"].items():
        # One that may be left out is null then, but null cannot be written.
        parts = [part for part in field.get("anyOf", [field]) if part != _NULL]
        kept = {k: v for k, v in parts[0].items() if k not in _WORDS}
        about = {"description": d} if (d := parts[0].get("description")) else {}
        yield {"name": name, "in": "query", **about, "schema": kept}


def _answers(endpoint: Endpoint) -> Json:
    return {
        str(status): {
            "description": "As asked for." if status == 200 else "Made.",
            "headers": _headers(endpoint, status),
            "content": _content(answer),
        }
        for status, answer in endpoint.answers.items()
    }


def _headers(endpoint: Endpoint, status: int) -> Json:
    headers: Json = {"X-Request-Id": _REQUEST_ID}
    if status == 201 and endpoint.is_repeatable:
        headers["Location"] = _LOCATION
    return headers


def _content(answer: type[BaseModel] | str) -> Json:
    match answer:
        case endpoints.JSON:
            return {answer: {"schema": {"type": "object"}}}
        case endpoints.EVENT_STREAM:
            # A schema would be taken for that of the whole stream, or of one event.
            return {answer: {}}
        case str():
            return {answer: {"schema": {"type": "string"}}}
        case _:
            return {JSON: {"schema": _ref(answer)}}


def _errors(endpoint: Endpoint) -> Json:
    codes: defaultdict[int, list[str]] = defaultdict(list)
    for code in endpoint.codes:
        codes[STATUS[code]].append(code)
    return {
        str(status): _error(status, " or ".join(known))
        for status, known in codes.items()
    }


def _error(status: int, codes: str) -> Json:
    headers: Json = {"X-Request-Id": _REQUEST_ID}
    if status in {429, 503}:
        headers["Retry-After"] = _RETRY_AFTER
    return {"description": codes, "headers": headers, "content": _content(Error)}


def _schemas(table: Sequence[Endpoint]) -> Json:
    models: dict[type[BaseModel], JsonSchemaMode] = {Error: "serialization"}
    for endpoint in table:
        if endpoint.body is not None:
            models[endpoint.body] = "validation"
        models |= {
            answer: "serialization"
            for answer in endpoint.answers.values()
            if not isinstance(answer, str)
        }
    _, definitions = models_json_schema(list(models.items()), ref_template=_SCHEMAS)
    schemas: Json = definitions["$defs"]
    return schemas | _defined_by_queries(table)


def _defined_by_queries(table: Sequence[Endpoint]) -> Json:
    defined: Json = {}
    for endpoint in table:
        if endpoint.query is not None:
            schema = endpoint.query.model_json_schema(ref_template=_SCHEMAS)
            defined |= schema.get("$defs", {})
    return defined


def _ref(model: type[BaseModel]) -> Json:
    return {"$ref": _SCHEMAS.format(model=model.__name__)}
