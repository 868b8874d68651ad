"""users.*, usergroups.*, bots.info, team.info: who there is."""

from bot.sandbox.methods.arguments import Arguments
from bot.sandbox.methods.method import Method
from bot.sandbox.pacing import TIER_2, TIER_4, Pace
from bot.sandbox.values import MethodError, Payload
from bot.sandbox.workspace import Workspace


def user_info(workspace: Workspace, arguments: Arguments) -> Payload:
    """Describe a person."""
    person = workspace.person(arguments.required("user", "user_not_found"))
    return {"user": person.as_slack()}


def user_list(workspace: Workspace, arguments: Arguments) -> Payload:
    """List everybody, bots and deactivated people included."""
    everybody = [person.as_slack() for person in workspace.people.values()]
    people, metadata = arguments.page(everybody, default=1_000)
    return {"members": people, "response_metadata": metadata}


def group_list(workspace: Workspace, arguments: Arguments) -> Payload:
    """List the user groups."""
    _check_plan(workspace)
    groups = [group.as_slack(workspace.team) for group in workspace.groups.values()]
    if not arguments.flag("include_users"):
        for group in groups:
            del group["users"]
    return {"usergroups": groups}


def group_members(workspace: Workspace, arguments: Arguments) -> Payload:
    """List the members of a user group; deactivated people are left out."""
    _check_plan(workspace)
    group = workspace.groups.get(arguments.required("usergroup"))
    if group is None:
        raise MethodError("no_such_subteam")
    return {
        "users": [user for user in group.members if not workspace.people[user].deleted]
    }


def bot_info(workspace: Workspace, arguments: Arguments) -> Payload:
    """Describe a bot by its bot id."""
    asked = arguments.text("bot", workspace.bot.bot_id)
    for person in workspace.people.values():
        if person.bot_id == asked:
            return {
                "bot": {
                    "id": person.bot_id,
                    "user_id": person.id,
                    "app_id": person.app_id,
                    "name": person.real_name,
                    "deleted": person.deleted,
                }
            }
    raise MethodError("bot_not_found")


def team_info(workspace: Workspace, _arguments: Arguments) -> Payload:
    """Describe the workspace."""
    return {
        "team": {
            "id": workspace.team,
            "name": workspace.name,
            "domain": workspace.domain,
            "url": f"{workspace.url}/",
        }
    }


def auth_test(workspace: Workspace, _arguments: Arguments) -> Payload:
    """Say whose token it is."""
    return {
        "url": f"{workspace.url}/",
        "team": workspace.name,
        "user": workspace.bot.name,
        "team_id": workspace.team,
        "user_id": workspace.bot.id,
        "bot_id": workspace.bot.bot_id,
        "is_enterprise_install": False,
    }


def _check_plan(workspace: Workspace) -> None:
    if workspace.free_plan:
        raise MethodError("plan_upgrade_required")


_TIER_2, _TIER_4 = Pace.per_minute(TIER_2), Pace.per_minute(TIER_4)
METHODS = (
    Method(name="users.info", run=user_info, pace=_TIER_4, scope="users:read"),
    Method(name="users.list", run=user_list, pace=_TIER_2, scope="users:read"),
    Method(
        name="usergroups.list", run=group_list, pace=_TIER_2, scope="usergroups:read"
    ),
    Method(
        name="usergroups.users.list",
        run=group_members,
        pace=_TIER_2,
        scope="usergroups:read",
    ),
    Method(name="bots.info", run=bot_info, scope="users:read"),
    Method(name="team.info", run=team_info, scope="team:read"),
    Method(
        name="auth.test", run=auth_test, pace=None, tokens=frozenset({"bot", "app"})
    ),
)
