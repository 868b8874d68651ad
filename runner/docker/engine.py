"""Runs jobs on a Docker-API engine."""

import secrets
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypedDict, cast

import docker
from docker.errors import APIError, ImageNotFound, NotFound
from docker.types import HostConfig, LogConfig, Mount, Ulimit
from docker.utils import parse_repository_tag

from runner.docker.address import EngineAddress
from runner.docker.calls import TROUBLE, Calls, is_cut, told, trouble, words
from runner.docker.container import DockerContainer
from runner.docker.fate import fate
from runner.docker.files import (
    SecretFiles,
    check,
    forget,
    has_memory,
    memory,
    packed,
    secret_files,
)
from runner.docker.sealed import keep, label
from runner.docker.terms import Terms
from runner.docker.volumes import (
    forget_workspace,
    left_workspaces,
    provide,
    volume,
)
from runner.docker.workspace import Owner, add, lay, owner_of, read
from runner.driver import MEMORY, WORKSPACE, entrypoint
from runner.errors import ContainerExists, EngineUnavailable, ImageUnavailable
from runner.job import Job
from runner.workspace import check_expected

#: What every container finds in its environment unless its job says otherwise.
ENVIRONMENT: Final = {
    "TF_IN_AUTOMATION": "1",
    "TF_INPUT": "0",
    "NO_COLOR": "1",
    "CI": "true",
}

#: Log drivers that keep all output, best first. `local` is exact to the byte;
#: `json-file` replaces what is no UTF-8 and cuts characters at 16 KiB. Neither
#: may rotate: what was rotated away is lost.
_LOGS: Final = (
    LogConfig(
        type="local",
        config={"max-size": "1024g", "max-file": "1", "compress": "false"},
    ),
    LogConfig(type="json-file"),
)

#: For the driver's session: small, since the engine counts it as the run's memory.
_MEMORY: Final = "size=4m,mode=1777,noexec,nosuid,nodev"

_CONFLICT: Final = 409


class _Image(TypedDict):
    Id: str
    RepoDigests: list[str]
    Config: dict[str, str]


class _Labelled(TypedDict):
    Labels: dict[str, str]


class _Logging(TypedDict):
    LogConfig: dict[str, str]


class _Found(TypedDict):
    Id: str
    Image: str
    Config: _Labelled
    HostConfig: _Logging
    Mounts: list[dict[str, object]]


class DockerEngine:
    """An engine at *address*, reached when it is first asked for something."""

    def __init__(self, address: EngineAddress) -> None:
        self._calls = Calls(address)
        self._users: dict[str, str] = {}  #: of the images, by their digests

    async def __aenter__(self) -> Self:
        """Return this engine."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of it."""
        await self.close()

    async def ping(self) -> str:
        """Return the engine's version."""
        return await self._calls.run(self._ping)

    async def identity(self) -> str:
        """Return the engine's own name for itself."""
        return await self._calls.run(self._identity)

    async def resolve(self, image: str) -> str:
        """Return the digest of *image*, pulled if it is not here."""
        return await self._calls.run(self._resolve, image)

    async def create(self, job: Job, digest: str, workspace: Path) -> DockerContainer:
        """Create the container of *job*, its workspace in place."""
        return await self._calls.run(self._create, job, digest, workspace)

    async def find(self, run: str, installation: str) -> DockerContainer | None:
        """Return the container of *run*, in whatever state, or None."""
        return await self._calls.run(self._find, run, installation)

    async def left_behind(self, installation: str) -> tuple[str, ...]:
        """Return the runs of which a container exists."""
        return await self._calls.run(self._left_behind, installation)

    async def fate(self, run: str, installation: str) -> str:
        """Tell what the engine remembers of the end of the container of *run*."""
        return await self._calls.run(self._fate, run, installation)

    async def forget_workspace(self, run: str, installation: str) -> bool:
        """Remove the workspace that was kept for *run* alone; True iff it is gone."""
        try:
            return await self._calls.run(self._forget_workspace, run, installation)
        except EngineUnavailable:
            return False

    async def left_workspaces(self, installation: str) -> tuple[str, ...]:
        """Return the runs for which a workspace of their own is kept."""
        return await self._calls.run(self._left_workspaces, installation)

    async def close(self) -> None:
        """Let go of the engine; containers stay as they are."""
        await self._calls.close()

    @property
    def _api(self) -> docker.APIClient:
        return self._calls.api

    def _ping(self) -> str:
        with told("answer"):
            return str(self._api.version()["Version"])

    def _identity(self) -> str:
        with told("say which engine it is"):
            about, again = self._api.info(), self._api.info()
        # Hosts made of one image, and engines of one host, may share the key of which
        # an id is made; and Podman thinks of a new id each time that it is asked.
        own = about["ID"] if about["ID"] == again["ID"] else ""
        return f"{own} {about['Name']} {about['DockerRootDir']}".strip()

    def _resolve(self, image: str) -> str:
        with told("look for the image"):
            found = self._image(image)
        if found is None:
            self._pull(image)
            with told("look for the image"):
                found = self._image(image)
        if found is None:
            raise ImageUnavailable(f"the image {image} was pulled and is not there")
        repository, _ = parse_repository_tag(image)
        own = (d for d in found["RepoDigests"] if d.partition("@")[0] == repository)
        digest = next(own, found["Id"])
        self._users[digest] = _user(found)
        return digest

    def _image(self, name: str) -> _Image | None:
        try:
            return self._attributes(name)
        except ImageNotFound:
            return None

    def _attributes(self, image: str) -> _Image:
        return cast(_Image, self._calls.client.images.get(image).attrs)

    def _pull(self, image: str) -> None:
        repository, tag = parse_repository_tag(image)
        try:
            self._calls.client.images.pull(repository, tag=tag or "latest")
        except TROUBLE as error:
            if is_cut(error):  # what is answered may be said of the registry
                raise trouble(f"the engine could not pull {image}", error) from error
            raise ImageUnavailable(
                f"the image {image} is not on the engine's host and could not be "
                f"pulled: {words(error)}. Check its name, log the bot's host in to "
                "its registry, or build it on the engine's host"
            ) from error

    def _create(self, job: Job, digest: str, workspace: Path) -> DockerContainer:
        with told(f"create the container of run {job.run}"):
            user = self._user_of(digest)
            terms = Terms.of(job, secrets.token_hex(16))
            container = self._created(job, digest, terms)
            log = self._log_config.type if self._log_config else ""
            try:
                owner = owner_of(self._api, container, user)
                self._furnish(job, container, owner, workspace)
                files = self._files(job, digest, owner)
                if not label(job.sealed):
                    keep(self._api, container, job.sealed)
            except BaseException:
                self._api.remove_container(container, v=True, force=True)
                forget(self._api, _name(job.run, job.installation))
                raise
        return DockerContainer(self._calls, container, terms, log, files=files)

    def _user_of(self, digest: str) -> str:
        if digest not in self._users:
            self._users[digest] = _user(self._attributes(digest))
        return self._users[digest]

    def _created(self, job: Job, digest: str, terms: Terms) -> str:
        provide(self._api, job, _labels(job))
        try:
            created = self._api.create_container(
                image=digest,
                name=_name(job.run, job.installation),
                labels=_labels(job)
                | {"handrail.run": job.run}
                | terms.labels
                | label(job.sealed),
                entrypoint=entrypoint(job, terms.nonce, waits=bool(secret_files(job))),
                command=[],
                environment={**ENVIRONMENT, **job.env, **job.secret_env},
                working_dir=f"{WORKSPACE}/source",
                stdin_open=True,
                detach=True,  # or standard input would end with its first writer
                host_config=self._host_config(job),
            )
        except APIError as error:
            if error.status_code != _CONFLICT:
                raise
            message = f"a container of run {job.run} already exists"
            raise ContainerExists(message) from error
        return str(created["Id"])

    def _host_config(self, job: Job) -> HostConfig:
        return self._api.create_host_config(
            init=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            ipc_mode="private",
            ulimits=[Ulimit(name="core", soft=0, hard=0)],  # a core holds all secrets
            pids_limit=job.limits.pids,
            mem_limit=job.limits.memory,
            memswap_limit=job.limits.memory,
            nano_cpus=int(job.limits.cpus * 1e9),
            network_mode=job.network,
            log_config=self._log_config,
            mounts=_mounts(job),
            tmpfs={MEMORY: _MEMORY} if job.reading_state else None,
        )

    @cached_property
    def _log_config(self) -> LogConfig | None:
        known = self._api.info().get("Plugins", {}).get("Log") or []
        return next((log for log in _LOGS if log.type in known), None)

    def _files(self, job: Job, digest: str, owner: Owner) -> SecretFiles | None:
        if not secret_files(job):
            return None
        name = _name(job.run, job.installation)
        check(self._api, name)
        return SecretFiles(
            name=name, image=digest, labels=_labels(job), archive=packed(job, owner)
        )

    def _furnish(self, job: Job, container: str, owner: Owner, workspace: Path) -> None:
        if job.is_laid:
            add(self._api, container, workspace, owner)
            check_expected(
                job, lambda path: read(self._api, container, f"{WORKSPACE}/{path}")
            )
            return
        # Unpacking takes as long as all else together, so nothing is not unpacked:
        # the engine itself makes the working directory, and root owns it.
        if job.source or job.files or job.volume or owner != Owner():
            stale = None if job.volume is None else job.results
            lay(self._api, container, workspace, owner, stale=stale)

    def _find(self, run: str, installation: str) -> DockerContainer | None:
        with told(f"look for the container of run {run}"):
            name = _name(run, installation)
            try:
                found = self._api.inspect_container(name)
            except NotFound:
                forget(self._api, name)  # whoever removed it may have left these
                return None
            return self._taken_up(name, found)

    def _taken_up(self, name: str, found: _Found) -> DockerContainer:
        files = None
        if has_memory(found["Mounts"]):
            files = SecretFiles(name=name, image=found["Image"])
        return DockerContainer(
            self._calls,
            found["Id"],
            Terms.read(found["Config"]["Labels"]),
            found["HostConfig"]["LogConfig"]["Type"],
            files=files,
            is_found=True,
        )

    def _left_behind(self, installation: str) -> tuple[str, ...]:
        with told("list its containers"):
            labels = [f"handrail.installation={installation}", "handrail.run"]
            found = self._api.containers(all=True, filters={"label": labels})
            return tuple(str(one["Labels"]["handrail.run"]) for one in found)

    def _fate(self, run: str, installation: str) -> str:
        with told(f"tell what became of the container of run {run}"):
            return fate(self._api, run, installation)

    def _forget_workspace(self, run: str, installation: str) -> bool:
        return forget_workspace(self._api, run, installation)

    def _left_workspaces(self, installation: str) -> tuple[str, ...]:
        return left_workspaces(self._api, installation)


def _user(image: _Image) -> str:
    return image["Config"].get("User", "")


def _name(run: str, installation: str) -> str:
    return f"handrail-{installation}-{run}"


def _mounts(job: Job) -> list[Mount]:
    kept = None if job.volume is None else volume(job.installation, job.volume)
    mounts = [Mount(WORKSPACE, kept, type="volume")]
    if secret_files(job):
        mounts.append(memory(job, _name(job.run, job.installation), _labels(job)))
    return mounts


def _labels(job: Job) -> dict[str, str]:
    return {"handrail.installation": job.installation, "handrail.stack": job.stack}
