"""Which images a policy allows, their names read as Docker reads them."""

import pytest

from bot.catalog.images import breaches, repository
from bot.domain.stack import ImagePolicy

DIGEST = f"@sha256:{'0a' * 32}"


@pytest.mark.parametrize(
    ("image", "whole"),
    [
        ("alpine", "docker.io/library/alpine"),
        ("alpine:3.20", "docker.io/library/alpine"),
        (f"alpine{DIGEST}", "docker.io/library/alpine"),
        ("hashicorp/terraform:1.11", "docker.io/hashicorp/terraform"),
        (f"hashicorp/terraform:1.11{DIGEST}", "docker.io/hashicorp/terraform"),
        ("docker.io/alpine", "docker.io/library/alpine"),
        ("index.docker.io/alpine", "docker.io/library/alpine"),
        ("index.docker.io/hashicorp/terraform", "docker.io/hashicorp/terraform"),
        ("ghcr.io/acme/tf/one:v1", "ghcr.io/acme/tf/one"),
        ("GHCR.IO/acme/tf", "ghcr.io/acme/tf"),
        ("ghcr.io/tf", "ghcr.io/tf"),
        ("localhost/x", "localhost/x"),
        ("localhost:5000/x:1", "localhost:5000/x"),
        ("localhost:5000", "docker.io/library/localhost"),
        ("registry:5000/a/b", "registry:5000/a/b"),
        ("acme/b/c", "docker.io/acme/b/c"),
        ("Acme/b", "acme/b"),
    ],
)
def test_a_short_name_is_read_as_docker_reads_it(image: str, whole: str) -> None:
    assert repository(image) == whole


@pytest.mark.parametrize(
    ("image", "registry", "is_allowed"),
    [
        ("hashicorp/terraform:1.11", "docker.io/hashicorp", True),
        ("hashicorp/terraform:1.11", "docker.io/hashicorp/terraform", True),
        ("hashicorp/terraform:1.11", "docker.io", True),
        ("hashicorp-evil/terraform", "docker.io/hashicorp", False),
        ("hashicorp/terraform-evil", "docker.io/hashicorp/terraform", False),
        ("alpine", "docker.io/hashicorp", False),
        ("ghcr.io/hashicorp/terraform", "docker.io/hashicorp", False),
        ("docker.io.evil.com/hashicorp/x", "docker.io/hashicorp", False),
        ("ghcr.io/acme/x", "ghcr.io", True),
        ("ghcr.io.evil.com/acme/x", "ghcr.io", False),
        ("ghcr.io:444/acme/x", "ghcr.io", False),
        ("localhost:5000/x", "localhost:5000", True),
        ("localhost:5001/x", "localhost:5000", False),
    ],
)
def test_an_image_is_below_a_registry_by_whole_parts_of_its_path(
    image: str, registry: str, is_allowed: bool
) -> None:
    told = list(breaches(image, ImagePolicy(registries=(registry,))))

    assert bool(told) is not is_allowed


@pytest.mark.parametrize(
    "image",
    ["0a" * 32, f"sha256:{'0a' * 32}", "0123456789ab", "1be3", "7", "sha256:7", "cafe"],
)
def test_an_image_that_is_named_by_its_id_is_of_no_registry(image: str) -> None:
    (told,) = breaches(image, ImagePolicy(registries=("docker.io",)))

    assert f"`{image}` is the id of an image" in told


@pytest.mark.parametrize(
    "image", ["cafe:1", "docker.io/library/cafe", f"cafe{DIGEST}", "face/cafe", "cafes"]
)
def test_a_name_of_hex_digits_with_a_part_more_is_no_id(image: str) -> None:
    assert not list(breaches(image, ImagePolicy(registries=("docker.io",))))


def test_one_of_several_registries_is_enough() -> None:
    policy = ImagePolicy(registries=("ghcr.io/acme", "docker.io/library"))

    assert list(breaches("alpine", policy)) == []


@pytest.mark.parametrize(
    ("image", "is_allowed"),
    [
        (f"alpine{DIGEST}", True),
        (f"ghcr.io/acme/x:1{DIGEST}", True),
        ("alpine", False),
        ("alpine:latest", False),
        ("alpine@sha256:0a", False),
        (f"sha256:{'0a' * 32}", False),
    ],
)
def test_a_digest_is_whole_or_missing(image: str, is_allowed: bool) -> None:
    told = list(breaches(image, ImagePolicy(digest=True)))

    assert bool(told) is not is_allowed


def test_without_a_policy_any_image_is_allowed() -> None:
    assert list(breaches("0123456789ab", ImagePolicy())) == []
