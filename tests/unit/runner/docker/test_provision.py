from pathlib import Path

import pytest

from runner.docker.dockerd import Network
from runner.docker.provision import (
    Machine,
    engine_down,
    engine_up,
    networks_to_try,
    packages_to_install,
)
from runner.errors import EngineUnavailable


def a_machine(
    *tools: str, linux: bool = True, root: bool = True, default_socket: bool = False
) -> Machine:
    return Machine(
        linux=linux,
        root=root,
        tools=frozenset(tools),
        default_socket=default_socket,
    )


def test_an_engine_that_answers_is_used_and_nothing_is_started(
    answering_socket: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    url = f"unix://{answering_socket}"

    engine = engine_up(told.append, tmp_path / "data", {"DOCKER_HOST": url})

    assert engine.url == url
    assert told == [f"The engine at {url} answers (DOCKER_HOST)."]
    assert not (tmp_path / "data").exists()


def test_a_silent_docker_host_is_not_replaced_by_an_engine_of_our_own(
    tmp_path: Path,
) -> None:
    environ = {"DOCKER_HOST": f"unix://{tmp_path}/silent.sock"}

    with pytest.raises(EngineUnavailable, match="DOCKER_HOST"):
        engine_up(print, tmp_path / "data", environ)

    assert not (tmp_path / "data").exists()


def test_a_bare_debian_gets_docker_and_iptables() -> None:
    assert packages_to_install(a_machine("apt-get")) == ("docker.io", "iptables")


def test_only_what_is_missing_is_installed() -> None:
    assert packages_to_install(a_machine("apt-get", "dockerd")) == ("iptables",)


def test_nothing_is_installed_where_dockerd_is_there() -> None:
    assert packages_to_install(a_machine("apt-get", "dockerd", "iptables")) == ()
    assert packages_to_install(a_machine("dockerd")) == ()


@pytest.mark.parametrize(
    ("machine", "advice"),
    [
        (a_machine(linux=False), "Start Docker Desktop"),
        (a_machine("apt-get", root=False), "as root"),
        (a_machine(root=False, default_socket=True), "usermod -aG docker"),
        (a_machine(), "Install Docker as your distribution does"),
    ],
)
def test_where_no_engine_can_be_started_the_refusal_says_what_to_do(
    machine: Machine, advice: str
) -> None:
    with pytest.raises(EngineUnavailable, match=advice) as refused:
        packages_to_install(machine)

    assert "set DOCKER_HOST" in str(refused.value)


@pytest.mark.parametrize(
    ("working", "networks"),
    [
        ({"iptables", "iptables-legacy"}, [Network.FILTERED, Network.ISOLATED]),
        ({"iptables-legacy"}, [Network.LEGACY, Network.ISOLATED]),
        (set(), [Network.ISOLATED]),
    ],
)
def test_containers_get_the_best_network_that_the_kernel_can_filter(
    working: set[str], networks: list[Network]
) -> None:
    assert networks_to_try(working.__contains__) == networks


def test_there_is_nothing_to_stop_where_nothing_was_started(tmp_path: Path) -> None:
    assert engine_down(tmp_path) is False
    assert list(tmp_path.iterdir()) == []
