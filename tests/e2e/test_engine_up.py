import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from docker import DockerClient

from runner.docker.address import own_engine
from runner.docker.provision import (
    Machine,
    connect,
    default_data_dir,
    engine_up,
    packages_to_install,
)
from runner.docker.rootfs import ensure_sample_image
from runner.docker.terraform import TerraformSource, find_terraform
from runner.errors import EngineUnavailable

ROOT = Path(__file__).parents[2]

SCRIPT = """
set -e
cd /tmp
printf 'resource "terraform_data" "a" {}' > main.tf
terraform version
terraform init -no-color
terraform apply -no-color -auto-approve
terraform taint -no-color terraform_data.a
terraform state list
terraform plan -no-color -detailed-exitcode || echo "plan said $?"
terraform nonsense 2>/dev/null || echo "nonsense said $?"
"""


assembled_here = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere a public image is pulled instead"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What happened on a bare machine."""

    told: list[str]
    urls: list[str]
    said: str
    stopped: list[bool]


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    client = connect(engine_up(print, default_data_dir(os.environ)))
    yield client
    client.close()


def run(client: DockerClient, reference: str, *command: str) -> str:
    output = client.containers.run(
        reference, list(command), network_mode="none", remove=True, stderr=True
    )
    return str(output, "utf-8", "replace")


def sources_here() -> list[TerraformSource]:
    return [source for source in TerraformSource if find_terraform([source])]


def can_start_one() -> bool:
    try:
        packages_to_install(Machine.this())
    except EngineUnavailable:
        return False
    return True


@pytest.mark.parametrize("source", sources_here())
def test_terraform_works_in_the_sample_image_without_a_network(
    client: DockerClient, source: TerraformSource
) -> None:
    image = ensure_sample_image(client, print, sources=[source])

    said = run(client, image.reference, "sh", "-c", SCRIPT)

    assert image.has_terraform
    assert said.startswith(("Terraform v", "OpenTofu v"))
    assert "has been successfully initialized" in said
    assert "Resources: 1 added, 0 changed, 0 destroyed" in said
    assert "has been marked as tainted" in said
    assert "\nterraform_data.a\n" in said
    assert "plan said 2" in said
    assert "nonsense said 1" in said


def test_the_sample_image_has_a_terraform(client: DockerClient) -> None:
    assert ensure_sample_image(client, print).has_terraform


@assembled_here
def test_without_terraform_the_sample_image_is_still_a_small_system(
    client: DockerClient,
) -> None:
    image = ensure_sample_image(client, print, sources=[])

    said = run(client, image.reference, "sh", "-c", "stat -c %a /tmp; id -un; env; pwd")

    assert not image.has_terraform
    assert said.splitlines()[:2] == ["1777", "root"]
    assert "HOME=/root" in said
    assert "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" in said


def test_the_sample_image_is_assembled_once(client: DockerClient) -> None:
    first = ensure_sample_image(client, print, sources=[])
    told: list[str] = []

    second = ensure_sample_image(client, told.append, sources=[])

    assert second == first
    assert told == []


@pytest.mark.skipif(not can_start_one(), reason="only root on Linux starts engines")
def test_on_a_bare_machine_one_engine_is_started_used_and_stopped(
    tmp_path: Path,
) -> None:
    story = story_of_a_bare_machine(tmp_path)

    url = own_engine(tmp_path).url
    assert story.urls == [url]
    assert story.said == "hello\n"
    assert sum("Starting dockerd" in line for line in story.told) == 1
    assert sum(url in line for line in story.told) == 2
    assert story.stopped == [True, False]


def story_of_a_bare_machine(data_dir: Path) -> Story:
    hide_engines = 'mount -t tmpfs none /run && exec "$@"'
    done = subprocess.run(
        [
            *("unshare", "--net", "--mount", "sh", "-c", hide_engines, "sh"),
            *(sys.executable, "-m", "tests.e2e.bare_machine", str(data_dir)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Story(**json.loads(done.stdout))
