"""Make the job of a run: what the runner needs, secrets read this moment."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from bot.domain.errors import SecretUnavailable
from bot.domain.plan import PLAN_FILE, SUMMARY_FILE
from bot.domain.preset import variable
from bot.domain.run import Approval, Run, RunState, RunType
from bot.domain.stack import Stack, StackFile
from bot.ports import Credentials, Values
from runner.driver import WORKSPACE
from runner.job import Job, Script, WorkspaceFile, workspace_of
from runner.masking.secrets import Secret

_Value = TypeVar("_Value")


class Jobs:
    """Turns a run into a job, its secrets read and its credentials made for it."""

    def __init__(
        self, *, values: Values, credentials: Credentials, installation: str
    ) -> None:
        self._values = values
        self._credentials = credentials
        self.installation = installation

    async def make(self, run: Run, stack: Stack) -> Job:
        """Return the job of *run*, or raise SecretUnavailable."""
        secret_env, files, minted = await asyncio.gather(
            self._variables(stack),
            self._files(stack),
            self._credentials.mint(run, stack),
        )
        is_applied = run.state is RunState.APPLYING
        digest = run.plan_digest if is_applied else None
        # What was planned with one image is not applied with another, and what was
        # agreed to is what runs.
        is_settled = is_applied or run.approval is Approval.APPROVED
        return Job(
            run=str(run.id),
            installation=self.installation,
            stack=stack.name,
            image=(run.image_digest if is_settled else None) or stack.image,
            source=stack.source,
            project_root=stack.project_root,
            script=_script(run, stack),
            env={**minted.variables, **stack.env, **_given(run), **_told(run)},
            secret_env={**secret_env, **minted.secret_variables},
            files=(*files, *minted.files),
            reading_state=stack.reading_state,
            limits=stack.limits,
            network=stack.network,
            volume=_volume(run, stack),
            is_laid=is_applied,
            expected={PLAN_FILE: digest} if digest else {},
            harmless=is_planned(run),
            results=(PLAN_FILE, SUMMARY_FILE) if is_planned(run) else (),
        )

    async def _variables(self, stack: Stack) -> dict[str, str]:
        reading = (
            _named(name, self._values.variable(source))
            for name, source in stack.secrets.items()
        )
        return dict(zip(stack.secrets, await asyncio.gather(*reading), strict=True))

    async def _files(self, stack: Stack) -> tuple[WorkspaceFile, ...]:
        return tuple(await asyncio.gather(*map(self._file, stack.files)))

    async def _file(self, file: StackFile) -> WorkspaceFile:
        content = await _named(file.path, self._values.content(file.source))
        return WorkspaceFile(path=file.path, content=content, secret=file.secret)


def secrets_of(job: Job) -> tuple[Secret, ...]:
    """Return the secret values that *job* carries."""
    variables = job.secret_env.items()
    return (
        *(Secret(name, value.encode()) for name, value in variables),
        *(Secret(file.path, file.content) for file in job.files if file.secret),
    )


async def _named(name: str, reading: Awaitable[_Value]) -> _Value:
    try:
        return await reading
    except SecretUnavailable as lack:
        raise SecretUnavailable(f"{name}: {lack}.") from lack


def _script(run: Run, stack: Stack) -> Script:
    hooks = stack.hooks
    init = (stack.init,) if stack.init else ()
    return Script(
        initializing=()
        if run.skip_init
        else (*hooks.before_init, *init, *hooks.after_init),
        before_perform=hooks.before_perform,
        command=run.apply if run.state is RunState.APPLYING else run.command,
        after_perform=(*hooks.after_perform, *_summarizing(run, stack)),
        after_run=(*hooks.after_run, *_forgetting(run, stack)),
    )


def _summarizing(run: Run, stack: Stack) -> tuple[str, ...]:
    """Return what says what a plan would do; where it fails, the plan stands."""
    summary = stack.deploy.summary if stack.deploy else ""
    if not summary or not is_planned(run):
        return ()
    return (f'( {summary}\n) > "$HANDRAIL_SUMMARY" || rm -f "$HANDRAIL_SUMMARY"',)


def _forgetting(run: Run, stack: Stack) -> tuple[str, ...]:
    """Return what removes the plan from a workspace that outlives the run."""
    if not stack.persistent or run.state is not RunState.APPLYING:
        return ()
    return ('rm -f "$HANDRAIL_PLAN" "$HANDRAIL_SUMMARY"',)


def is_planned(run: Run) -> bool:
    """Tell whether the container of *run* makes a plan, and so changes nothing."""
    return run.type is RunType.TRACKED and run.state is not RunState.APPLYING


def _volume(run: Run, stack: Stack) -> str | None:
    if stack.persistent:
        return stack.name
    return workspace_of(str(run.id)) if run.type is RunType.TRACKED else None


def _given(run: Run) -> dict[str, str]:
    # Nothing but the environment: no text of a shell is ever made of a value.
    return {variable(name): value for name, value in run.parameters.items()}


def _told(run: Run) -> dict[str, str]:
    files = {
        "HANDRAIL_PLAN": f"{WORKSPACE}/{PLAN_FILE}",
        "HANDRAIL_SUMMARY": f"{WORKSPACE}/{SUMMARY_FILE}",
    }
    return {
        **(files if run.type is RunType.TRACKED else {}),
        "HANDRAIL_RUN": str(run.id),
        "HANDRAIL_STACK": run.stack,
        "HANDRAIL_ACTOR": run.actor.id,
        "HANDRAIL_ACTOR_NAME": run.actor.name,
    }
