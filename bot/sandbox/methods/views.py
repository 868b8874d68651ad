"""views.*: modals and the Home tab."""

from bot.sandbox.limits import check_view
from bot.sandbox.methods.arguments import Arguments
from bot.sandbox.methods.method import Method
from bot.sandbox.pacing import TIER_4, Pace
from bot.sandbox.values import MethodError, Payload
from bot.sandbox.workspace import Workspace


def open_(workspace: Workspace, arguments: Arguments) -> Payload:
    """Open a modal for whoever caused the trigger."""
    view = completed(workspace, _checked(arguments, "modal"))
    user = workspace.triggers.redeem(_trigger(arguments))
    return {"view": workspace.views.open(user, view)}


def push(workspace: Workspace, arguments: Arguments) -> Payload:
    """Put a modal on top of the open one."""
    view = completed(workspace, _checked(arguments, "modal"))
    user = workspace.triggers.redeem(_trigger(arguments))
    return {"view": workspace.views.push(user, view)}


def update(workspace: Workspace, arguments: Arguments) -> Payload:
    """Replace an open view."""
    user, old = workspace.views.owner(
        arguments.text("view_id"), arguments.text("external_id")
    )
    view = completed(workspace, _checked(arguments, old["type"]))
    guard = arguments.text("hash")
    return {"view": workspace.views.update(user, old, view, guard)}


def publish(workspace: Workspace, arguments: Arguments) -> Payload:
    """Set a person's Home tab."""
    if not workspace.manifest.home_tab:
        raise MethodError("not_enabled")
    user = workspace.person(arguments.required("user_id")).id
    view = completed(workspace, _checked(arguments, "home"))
    guard = arguments.text("hash")
    return {"view": workspace.views.publish(user, view, guard)}


def completed(workspace: Workspace, view: Payload) -> Payload:
    """Return *view* with the fields that Slack always answers with."""
    return {
        "title": None,
        "submit": None,
        "close": None,
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "clear_on_close": False,
        "notify_on_close": False,
        "state": {"values": {}},
        **view,
        "blocks": [
            {"block_id": f"b{index}", **block}
            for index, block in enumerate(view["blocks"])
        ],
        "team_id": workspace.team,
        "app_id": workspace.app_id,
        "app_installed_team_id": workspace.team,
        "bot_id": workspace.bot.bot_id,
    }


def _checked(arguments: Arguments, kind: str) -> Payload:
    return check_view(arguments.json("view"), kind=kind)


def _trigger(arguments: Arguments) -> str:
    return arguments.required("trigger_id", "invalid_trigger_id")


_TIER_4 = Pace.per_minute(TIER_4)
METHODS = (
    Method(name="views.open", run=open_, pace=_TIER_4),
    Method(name="views.push", run=push, pace=_TIER_4),
    Method(name="views.update", run=update, pace=_TIER_4),
    Method(name="views.publish", run=publish, pace=_TIER_4),
)
