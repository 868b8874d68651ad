from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from docker.errors import APIError, DockerException, ImageNotFound

from runner.docker.busybox import cache_dir
from runner.docker.rootfs import PUBLIC_IMAGE, SampleImage, ensure_sample_image
from runner.docker.terraform import find_terraform
from runner.errors import ImageUnavailable

if TYPE_CHECKING:
    from docker import DockerClient


class Image:
    id = "sha256:1"


class ForeignEngine:
    """An engine of another architecture, which cannot run this machine's files."""

    def __init__(self, *, has: bool, registry: bool) -> None:
        self.images = self
        self.has = has
        self.registry = registry
        self.pulled: list[str] = []

    def version(self) -> dict[str, str]:
        return {"Arch": "pdp11"}

    def get(self, reference: str) -> Image:
        if not self.has:
            raise ImageNotFound(reference)
        return Image()

    def pull(self, repository: str, tag: str) -> Image:
        if not self.registry:
            raise DockerException("no such host")
        self.pulled.append(f"{repository}:{tag}")
        return Image()


def ensured(engine: ForeignEngine) -> SampleImage:
    return ensure_sample_image(cast("DockerClient", engine), print)


def test_where_an_image_cannot_be_assembled_a_public_one_is_pulled() -> None:
    engine = ForeignEngine(has=False, registry=True)

    image = ensured(engine)

    assert engine.pulled == [PUBLIC_IMAGE]
    assert (image.reference, image.has_terraform) == (PUBLIC_IMAGE, True)


def test_a_public_image_that_the_engine_has_is_not_pulled_again() -> None:
    engine = ForeignEngine(has=True, registry=True)

    ensured(engine)

    assert engine.pulled == []


def test_where_no_registry_answers_either_the_error_says_what_to_do() -> None:
    engine = ForeignEngine(has=False, registry=False)

    with pytest.raises(ImageUnavailable, match=r"busybox-static.*no such host"):
        ensured(engine)


@pytest.mark.parametrize(
    "error", [APIError("no space left on device"), ConnectionResetError("gone")]
)
def test_an_engine_in_trouble_is_told_as_such(error: Exception) -> None:
    class Troubled(ForeignEngine):
        def get(self, reference: str) -> Image:
            raise error

    with pytest.raises(ImageUnavailable, match=f"made ready: {error}. See that"):
        ensured(Troubled(has=True, registry=True))


def test_without_a_source_there_is_no_terraform() -> None:
    assert find_terraform(()) is None


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"HOME": "/home/ann"}, "/home/ann/.cache/handrail"),
        ({"HOME": "/home/ann", "XDG_CACHE_HOME": "/cache"}, "/cache/handrail"),
    ],
)
def test_what_is_fetched_is_kept_in_the_users_cache(
    environ: dict[str, str], folder: str
) -> None:
    assert cache_dir(environ) == Path(folder)
