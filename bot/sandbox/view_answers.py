"""What an app answers to a submitted form, carried out."""

from bot.sandbox.limits import check_view
from bot.sandbox.methods.views import completed
from bot.sandbox.values import Answer, Payload
from bot.sandbox.workspace import Workspace

#: What Slack shows for every answer that it cannot make sense of.
_TROUBLE = "We had some trouble connecting. Try again?"


def apply_view_answer(
    workspace: Workspace, user: str, view: Payload, answer: Payload
) -> Answer:
    """Close, update, push or send back the form as *answer* says."""
    views = workspace.views
    action = str(answer.get("response_action") or "")
    match action:
        case "errors":
            return _sent_back(view, answer.get("errors"))
        case "update":
            new = completed(workspace, check_view(answer.get("view"), kind="modal"))
            views.update(user, views.find(user, view["id"]), new)
        case "push":
            new = completed(workspace, check_view(answer.get("view"), kind="modal"))
            views.push(user, new)
        case "clear":
            views.clear(user)
        case _:
            _close_if_open(workspace, user, view["id"])
            return Answer(ok=True)
    return Answer(ok=True, response_action=action)


def _sent_back(view: Payload, errors: object) -> Answer:
    # An error without its input block has no place to be shown.
    inputs = {b["block_id"] for b in view["blocks"] if b["type"] == "input"}
    if isinstance(errors, dict) and errors and errors.keys() <= inputs:
        return Answer(ok=False, errors=errors)
    return Answer(ok=False, error=_TROUBLE)


def _close_if_open(workspace: Workspace, user: str, view_id: str) -> None:
    if any(view["id"] == view_id for view in workspace.views.open_for(user)):
        workspace.views.close(user, view_id)
