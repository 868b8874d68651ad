"""What the scripted engine keeps of workspaces, as other engines keep volumes."""

from runner.job import Job, workspace_of
from runner.workspace import check_expected, gone


class ScriptedWorkspaces:
    """The kept workspaces: the files in each, by installation and volume."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], dict[str, bytes]] = {}

    def of(self, job: Job) -> dict[str, bytes]:
        """Return what is in the workspace of *job* before anything runs.

        Raises WorkspaceGone.
        """
        if job.volume is None:
            return {}
        key = (job.installation, job.volume)
        if job.is_laid:
            if key not in self._kept:
                raise gone()
            check_expected(job, self._kept[key].get)
            return self._kept[key]
        files = self._kept.setdefault(key, {})
        for path in job.results:
            files.pop(path, None)
        return files

    def forget(self, run: str, installation: str) -> None:
        """Forget what was kept for *run* alone."""
        self._kept.pop((installation, workspace_of(run)), None)

    def left(self, installation: str) -> tuple[str, ...]:
        """Return the runs for which a workspace of their own is kept."""
        own = workspace_of("")
        return tuple(
            name.removeprefix(own)
            for owner, name in self._kept
            if owner == installation and name.startswith(own)
        )
