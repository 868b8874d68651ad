"""Read what a request says: its body, its parameters, its headers."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, TypeVar

from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError

from bot.api.errors import Fault, Unanswerable, invalid
from bot.api.fields import LARGEST, Name, shown, wrong
from bot.domain.errors import Refusal
from bot.domain.run import RunId

M = TypeVar("M", bound=BaseModel)

#: bytes of a body: a command may have 8,000 characters, and JSON escapes them
LONGEST_BODY: Final = 64 * 1024

_BODY_SECONDS: Final = 15.0

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
#: visible ASCII, which stays as it is on every way
KEY_PATTERN: Final = r"[!-~]{1,200}"

_NAME: Final[TypeAdapter[str]] = TypeAdapter(Name)

_ONLY_JSON: Final = (
    "Send the body as JSON, with the header `Content-Type: application/json`, in "
    "UTF-8 and not compressed."
)


async def read_body(request: web.Request, model: type[M]) -> M:
    """Return the JSON body of a request, or raise Unanswerable."""
    _refuse_other_types(request)
    return _checked(model, _parsed(await _bytes_of(request)))


def read_query(request: web.Request, model: type[M]) -> M:
    """Return the parameters behind the question mark, or raise Unanswerable."""
    _refuse_twice([name for name, _ in request.query.items()], "the parameter")
    return _checked(model, dict(request.query))


def read_run(request: web.Request) -> RunId:
    """Return the id of the run in the path."""
    text = request.match_info["id"]
    if re.fullmatch(r"[1-9][0-9]{0,9}", text, re.ASCII) and int(text) <= LARGEST:
        return RunId(int(text))
    raise Unanswerable(
        f"There is no run {shown(text)}. Ids of runs are numbers.",
        code=Refusal.UNKNOWN_RUN,
    )


def read_stack(request: web.Request) -> str:
    """Return the name of the stack in the path, which there may be."""
    text = request.match_info["name"]
    try:
        return _NAME.validate_python(text)
    except ValidationError:
        # Without the cause: pydantic's own words repeat the value.
        raise Unanswerable(
            f"There is no stack {shown(text)}.", code=Refusal.UNKNOWN_STACK
        ) from None


def read_idempotency_key(request: web.Request) -> str | None:
    """Return the caller's own name for the request; None if it has none."""
    given = request.headers.getall(IDEMPOTENCY_KEY, [])
    if not given:
        return None
    if len(given) == 1 and re.fullmatch(KEY_PATTERN, given[0], re.ASCII):
        return given[0]
    raise invalid(
        f"{IDEMPOTENCY_KEY} is given once, as up to 200 visible ASCII characters."
    )


def _refuse_other_types(request: web.Request) -> None:
    # A browser sends no JSON to another site unless asked, and is not answered then.
    types = request.headers.getall("Content-Type", [])
    charset = (request.charset or "utf-8").lower() if len(types) == 1 else ""
    is_json = len(types) == 1 and request.content_type == "application/json"
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if not is_json or charset not in {"utf-8", "utf8"} or encoding != "identity":
        raise Unanswerable(_ONLY_JSON, code=Fault.NO_SUCH_TYPE)


async def _bytes_of(request: web.Request) -> bytes:
    if (request.content_length or 0) > LONGEST_BODY:
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for piece in request.content.iter_any():
                body += piece
                if len(body) > LONGEST_BODY:
                    raise _too_large()
    except TimeoutError as error:
        raise Unanswerable(
            f"The body did not come within {_BODY_SECONDS:.0f} s. Send it again.",
            code=Fault.TOO_SLOW,
            headers={"Connection": "close"},
        ) from error
    except web.RequestPayloadError as error:
        raise Unanswerable(
            "The body was not sent as its headers say. Send it again.",
            code=Fault.NOT_JSON,
            headers={"Connection": "close"},
        ) from error
    return bytes(body)


def _too_large() -> Unanswerable:
    return Unanswerable(
        f"The body is longer than {LONGEST_BODY:,} bytes. Put a long command into a "
        "script in the stack's source and run that.",
        code=Fault.TOO_LARGE,
        headers={"Connection": "close"},
    )


def _parsed(body: bytes) -> object:
    try:
        return json.loads(
            body.decode(), object_pairs_hook=_once_each, parse_constant=_no_number
        )
    # Too deep, or a number with too many digits, is an error of Python's own.
    except (ValueError, RecursionError) as error:
        raise Unanswerable(
            "The body is not JSON (RFC 8259, in UTF-8).", code=Fault.NOT_JSON
        ) from error


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # Which of two counts is left to whoever reads (RFC 8259, 4): so neither does.
    _refuse_twice([name for name, _ in pairs], "the field")
    return dict(pairs)


def _refuse_twice(names: Sequence[str], what: str) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise invalid(f"{shown(twice[0])} is given twice; give {what} once.")


def _no_number(constant: str) -> object:
    raise ValueError(constant)


def _checked(model: type[M], given: object) -> M:
    if not isinstance(given, dict):
        raise invalid("The body is not an object, {…}.")
    try:
        return model.model_validate(given)
    except ValidationError as error:
        # Without the cause: pydantic's own words repeat the values.
        raise invalid(
            wrong(error.errors(include_url=False, include_input=False))
        ) from None
