"""Workspaces that are kept: the volumes in which they are, and how they end."""

from contextlib import suppress
from typing import Final

import docker
from docker.errors import NotFound

from runner.docker.calls import told
from runner.errors import RunnerError
from runner.job import Job, workspace_of
from runner.workspace import gone

#: On the volume that is kept for the jobs of one run.
_RUN: Final = "handrail.workspace"


def volume(installation: str, name: str) -> str:
    """Return what the engine calls the volume *name* of an installation."""
    return f"handrail-{installation}-{name}"


def provide(api: docker.APIClient, job: Job, labels: dict[str, str]) -> None:
    """Make the volume of *job*, unless it is there.

    Raises WorkspaceGone where it has to be there: the container would be given an
    empty one in its place.
    """
    if job.volume is None:
        return
    name = volume(job.installation, job.volume)
    if job.is_laid:
        try:
            api.inspect_volume(name)
        except NotFound:
            raise gone() from None
        return
    own = {_RUN: job.run} if job.volume == workspace_of(job.run) else {}
    api.create_volume(name, labels=labels | own)


def forget_workspace(api: docker.APIClient, run: str, installation: str) -> bool:
    """Remove what is kept for *run* alone; True iff it is proven gone."""
    with suppress(RunnerError), told("remove the workspace of an ended run"):
        with suppress(NotFound):
            api.remove_volume(volume(installation, workspace_of(run)))
        return True
    return False


def left_workspaces(api: docker.APIClient, installation: str) -> tuple[str, ...]:
    """Return the runs for which a workspace of their own is kept."""
    labels = [f"handrail.installation={installation}", _RUN]
    with told("list the workspaces that it keeps"):
        found = api.volumes(filters={"label": labels})["Volumes"] or []
        return tuple(str(one["Labels"][_RUN]) for one in found)
