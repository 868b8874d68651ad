"""What the runner gets for a run."""

from dataclasses import replace
from typing import Any

import pytest

from bot.control.job import Jobs, secrets_of
from bot.domain.errors import SecretUnavailable
from bot.domain.run import Run, RunState, RunType
from bot.domain.stack import Deploy, FromEnv, Hooks, Stack, StackFile
from bot.ports import Minted
from runner.job import Job, Script, WorkspaceFile, workspace_of
from runner.masking.secrets import Secret, unmaskable
from tests.support.builders import a_run
from tests.unit.control.stand_ins import Mint, Safe, a_stack

HOOKS = Hooks(
    before_init=("b1", "b2"),
    after_init=("a1",),
    before_perform=("p1",),
    after_perform=("p2",),
    after_run=("r1",),
)
MINT = Mint()


async def made(stack: Stack, *, skip_init: bool = False, **values: str) -> Job:
    jobs = Jobs(values=Safe(values), credentials=MINT, installation="i1")
    return await jobs.make(replace(a_run("apply"), skip_init=skip_init), stack)


async def test_a_run_knows_itself_whatever_the_stack_says() -> None:
    stack = a_stack(env={"HANDRAIL_RUN": "0", "HANDRAIL_ACTOR": "x", "REGION": "eu"})

    job = await made(stack)

    assert job.env == {
        "REGION": "eu",
        "HANDRAIL_RUN": "1",
        "HANDRAIL_STACK": "net-prod",
        "HANDRAIL_ACTOR": "U0ANN",
        "HANDRAIL_ACTOR_NAME": "ann",
    }


@pytest.mark.parametrize(
    ("skip_init", "initializing"), [(False, ("b1", "b2", "init", "a1")), (True, ())]
)
async def test_no_init_skips_three_things_and_nothing_else(
    *, skip_init: bool, initializing: tuple[str, ...]
) -> None:
    job = await made(a_stack(init="init", hooks=HOOKS), skip_init=skip_init)

    assert job.script == Script(
        initializing=initializing,
        before_perform=("p1",),
        command="apply",
        after_perform=("p2",),
        after_run=("r1",),
    )


async def test_parameters_are_variables_and_no_text_of_the_command() -> None:
    run = replace(
        a_run('./restart "$PARAM_SERVICE"'),
        preset="restart",
        parameters={"service": "$(reboot)", "dry_run": ""},
    )
    stack = a_stack(env={"PARAM_SERVICE": "api"}, init="init", hooks=HOOKS)

    jobs = Jobs(values=Safe({}), credentials=MINT, installation="i1")
    job = await jobs.make(run, stack)

    assert job.env["PARAM_SERVICE"] == "$(reboot)"
    assert job.env["PARAM_DRY_RUN"] == ""
    assert "reboot" not in str(job.script)


async def test_a_stack_without_init_has_only_its_hooks() -> None:
    job = await made(a_stack(init="", hooks=HOOKS))

    assert job.script.initializing == ("b1", "b2", "a1")


async def test_secrets_are_set_and_masked_and_files_are_masked_unless_told() -> None:
    stack = a_stack(
        secrets={"DB": FromEnv(variable="A")},
        files=(
            StackFile(path="key", source=FromEnv(variable="B")),
            StackFile(path="note", source=FromEnv(variable="C"), secret=False),
        ),
    )

    job = await made(stack, A="first-value", B="second-value", C="third-value")

    assert job.secret_env == {"DB": "first-value"}
    assert "first-value" not in job.env.values()
    assert {file.path: file.content for file in job.files} == {
        "key": b"second-value",
        "note": b"third-value",
    }
    assert secrets_of(job) == (
        Secret("DB", b"first-value"),
        Secret("key", b"second-value"),
    )


async def test_what_is_too_short_to_mask_is_known_by_name() -> None:
    pin, key = FromEnv(variable="A"), FromEnv(variable="B")
    stack = a_stack(secrets={"PIN": pin, "KEY": key})

    job = await made(stack, A="1234", B="long-enough-to-mask")

    assert unmaskable(secrets_of(job)) == ("PIN",)


async def test_a_missing_secret_is_called_by_its_name_in_the_stack() -> None:
    key = StackFile(path="key", source=FromEnv(variable="B"))

    with pytest.raises(SecretUnavailable, match=r"^DB: A is not set\.$"):
        await made(a_stack(secrets={"DB": FromEnv(variable="A")}))
    with pytest.raises(SecretUnavailable, match=r"^key: B is not set\.$"):
        await made(a_stack(files=(key,)))


@pytest.mark.parametrize(("persistent", "volume"), [(True, "net-prod"), (False, None)])
async def test_a_persistent_workspace_is_the_stacks_own(
    *, persistent: bool, volume: str | None
) -> None:
    job = await made(a_stack(persistent=persistent))

    assert (job.volume, job.run, job.installation) == (volume, "1", "i1")


async def test_what_was_made_for_the_run_is_given_and_masked() -> None:
    token = WorkspaceFile(path="/mnt/secrets/oidc-token", content=b"a-signed-token")
    MINT.minted = Minted(
        variables={"AWS_REGION": "eu-west-1", "REGION": "of the mint"},
        secret_variables={"AWS_SESSION_TOKEN": "minted-for-one-run"},
        files=(token,),
    )
    try:
        job = await made(a_stack(env={"REGION": "of the stack"}))
    finally:
        MINT.minted = Minted()

    assert job.env["AWS_REGION"] == "eu-west-1"
    assert job.env["REGION"] == "of the stack"
    assert job.secret_env == {"AWS_SESSION_TOKEN": "minted-for-one-run"}
    assert job.files == (token,)
    values = {secret.value for secret in secrets_of(job)}
    assert values == {b"minted-for-one-run", b"a-signed-token"}


DEPLOY = Deploy(plan="plan", apply="apply it", summary="show")


def a_tracked_run(state: RunState) -> Run:
    return replace(
        a_run("plan", state=state),
        type=RunType.TRACKED,
        apply="apply it",
        image_digest="sha256:was",
        plan_digest="abc",
    )


async def tracked(state: RunState, **changes: Any) -> Job:
    stack = a_stack(init="init", hooks=HOOKS, deploy=DEPLOY, **changes)
    jobs = Jobs(values=Safe({}), credentials=MINT, installation="i1")
    return await jobs.make(a_tracked_run(state), stack)


async def test_a_plan_is_harmless_and_leaves_itself_and_what_it_would_do() -> None:
    job = await tracked(RunState.PREPARING)

    assert job.script.command == "plan"
    assert job.script.after_perform == (
        "p2",
        '( show\n) > "$HANDRAIL_SUMMARY" || rm -f "$HANDRAIL_SUMMARY"',
    )
    assert (job.harmless, job.is_laid, job.image) == (True, False, "sample")
    assert job.results == ("handrail.plan", "handrail.summary")
    assert job.volume == workspace_of("1")
    assert job.env["HANDRAIL_PLAN"] == "/mnt/workspace/handrail.plan"


async def test_an_apply_gets_the_workspace_the_image_and_the_plan_as_they_were() -> (
    None
):
    job = await tracked(RunState.APPLYING)

    assert job.script.command == "apply it"
    assert job.script.initializing == ("b1", "b2", "init", "a1")
    assert job.script.after_perform == ("p2",)
    assert (job.harmless, job.is_laid, job.image) == (False, True, "sha256:was")
    assert job.expected == {"handrail.plan": "abc"}
    assert job.results == ()
    assert job.volume == workspace_of("1")


async def test_a_persistent_stack_plans_in_its_own_workspace() -> None:
    assert (await tracked(RunState.PREPARING, persistent=True)).volume == "net-prod"
    assert (await tracked(RunState.APPLYING, persistent=True)).volume == "net-prod"
