"""How large messages and views may be, with the errors Slack answers."""

import json

from bot.sandbox.block_limits import block_problems, text_size
from bot.sandbox.values import MethodError, Payload

#: chat.postMessage cuts longer text and warns `message_truncated`.
POSTED_TEXT = 40_000
#: chat.update refuses longer text with `msg_too_long`.
UPDATED_TEXT = 4_000
#: Undocumented; the largest message others measured had 13,202 characters.
TEXT_IN_BLOCKS = 13_200
#: Undocumented; Slack answers `metadata_too_large` some way above 2 kB.
METADATA_BYTES = 16_000
SNIPPET_BYTES = 1_000_000
VIEW_BYTES = 250_000
MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
#: characters of what a view carries along
_NAMES = {"private_metadata": 3_000, "callback_id": 255, "external_id": 255}


def check_blocks(blocks: object) -> None:
    """Refuse message *blocks* that Slack would refuse."""
    problems = block_problems(blocks, most=MESSAGE_BLOCKS)
    if problems:
        raise _refusal("invalid_blocks", problems)
    if text_size(blocks) > TEXT_IN_BLOCKS:
        raise MethodError("msg_blocks_too_long")


def check_metadata(metadata: object) -> None:
    """Refuse message metadata that is not `{event_type, event_payload}`."""
    if not isinstance(metadata, dict):
        raise MethodError("invalid_metadata_format")
    if metadata and not isinstance(metadata.get("event_payload"), dict):
        raise MethodError("invalid_metadata_schema")
    if metadata and not isinstance(metadata.get("event_type"), str):
        raise MethodError("invalid_metadata_schema")
    if len(json.dumps(metadata)) > METADATA_BYTES:
        raise MethodError("metadata_too_large")


def check_view(view: object, *, kind: str) -> Payload:
    """Return *view* if Slack would take it as a modal or Home of this *kind*."""
    if not isinstance(view, dict):
        raise _refusal("invalid_arguments", ["must be an object [json-pointer:/view]"])
    if len(json.dumps(view)) > VIEW_BYTES:
        raise MethodError("view_too_large")
    problems = _view_problems(view, kind)
    problems += block_problems(
        view.get("blocks"), most=VIEW_BLOCKS, root="/view/blocks"
    )
    if problems:
        raise _refusal("invalid_arguments", problems)
    return view


def _view_problems(view: Payload, kind: str) -> list[str]:
    problems = []
    if view.get("type") != kind:
        problems.append(f"unsupported type: {view.get('type')}")
    if kind == "modal" and not view.get("title"):
        problems.append("missing required field: title [json-pointer:/view]")
    kinds = [b.get("type") for b in view.get("blocks") or () if isinstance(b, dict)]
    if kind == "modal" and "input" in kinds and not view.get("submit"):
        problems.append("missing required field: submit [json-pointer:/view]")
    for name in ("title", "submit", "close"):
        text = view.get(name) or {}
        if len(text.get("text", "")) > 24:
            problems.append(_too_long(24, f"/view/{name}/text"))
    for name, most in _NAMES.items():
        if len(view.get(name) or "") > most:
            problems.append(_too_long(most, f"/view/{name}"))
    return problems


def _too_long(most: int, at: str) -> str:
    return f"must be less than {most + 1} characters [json-pointer:{at}]"


def _refusal(error: str, problems: list[str]) -> MethodError:
    return MethodError(
        error,
        errors=problems,
        response_metadata={"messages": [f"[ERROR] {text}" for text in problems]},
    )
