"""Which secrets a container was given: names in its labels, values within it."""

import json
from collections.abc import Iterator
from typing import Final

import docker
from docker.errors import DockerException

from runner.docker.workspace import read
from runner.driver import WORKSPACE
from runner.job import Job
from runner.masking.secrets import Secret
from runner.workspace import placed

_VARIABLES: Final = "handrail.secret.variables"
_FILES: Final = "handrail.secret.files"  #: paths below the source


def named(job: Job) -> dict[str, str]:
    """Return the labels that name the secrets of *job*, and never their values."""
    files = [placed(job, file) for file in job.files if file.secret]
    return {_VARIABLES: json.dumps(list(job.secret_env)), _FILES: json.dumps(files)}


def given(api: docker.APIClient, container: str) -> tuple[Secret, ...]:
    """Return the secrets that *container* was given, as it holds them now."""
    config = api.inspect_container(container)["Config"]
    labels: dict[str, str] = config["Labels"]
    if _VARIABLES not in labels or _FILES not in labels:
        # Another's, or of a release before this one: nothing of it may be shown.
        raise DockerException("its labels do not name them")
    variables = dict(line.split("=", 1) for line in config["Env"] if "=" in line)
    return (
        *_of_variables(json.loads(labels[_VARIABLES]), variables),
        *_of_files(api, container, json.loads(labels[_FILES])),
    )


def _of_variables(names: list[str], variables: dict[str, str]) -> Iterator[Secret]:
    for name in names:
        yield Secret(name, variables[name].encode("utf-8", "surrogatepass"))


def _of_files(
    api: docker.APIClient, container: str, paths: list[str]
) -> Iterator[Secret]:
    for path in paths:
        content = read(api, container, f"{WORKSPACE}/source/{path}")
        if content is not None:
            yield Secret(path, content)
