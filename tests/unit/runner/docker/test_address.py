import hashlib
import json
from pathlib import Path

import pytest

from runner.docker.address import (
    EngineAddress,
    connect,
    default_data_dir,
    find_engine,
    first_that_answers,
    own_engine,
    run_dir,
    usual_places,
)
from runner.errors import EngineUnavailable


def address(socket: Path) -> EngineAddress:
    return EngineAddress(url=f"unix://{socket}", origin="a test")


def urls(environ: dict[str, str], data_dir: Path) -> list[str]:
    return [place.url for place in usual_places(environ, data_dir)]


def choose_context(home: Path, name: str, host: str) -> None:
    folder = hashlib.sha256(name.encode()).hexdigest()
    meta = home / ".docker/contexts/meta" / folder / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Endpoints": {"docker": {"Host": host}}}))
    (home / ".docker/config.json").write_text(json.dumps({"currentContext": name}))


def test_an_engine_that_docker_host_names_is_used(answering_socket: Path) -> None:
    found = find_engine({"DOCKER_HOST": f"unix://{answering_socket}"})

    assert found == EngineAddress(
        url=f"unix://{answering_socket}", origin="DOCKER_HOST"
    )


def test_a_silent_docker_host_is_named_and_no_other_engine_is_taken(
    answering_socket: Path, tmp_path: Path
) -> None:
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine/docker.sock").symlink_to(answering_socket)
    silent = f"unix://{tmp_path}/silent.sock"

    with pytest.raises(EngineUnavailable) as refused:
        find_engine({"DOCKER_HOST": silent}, tmp_path)

    assert silent in str(refused.value)
    assert "unset DOCKER_HOST" in str(refused.value)


def test_a_docker_host_that_is_no_address_is_refused_in_the_same_way() -> None:
    with pytest.raises(EngineUnavailable, match="gopher"):
        find_engine({"DOCKER_HOST": "gopher://docker"})


def test_the_first_engine_that_answers_is_taken(
    answering_socket: Path, tmp_path: Path
) -> None:
    (tmp_path / "stale.sock").touch()
    places = [tmp_path / "none.sock", tmp_path / "stale.sock", answering_socket]

    found = first_that_answers(map(address, places))

    assert found == address(answering_socket)


def test_no_engine_is_found_where_none_answers(tmp_path: Path) -> None:
    assert first_that_answers([address(tmp_path / "none.sock")]) is None


def test_the_default_socket_is_asked_first_and_an_own_engine_last() -> None:
    environ = {"HOME": "/home/ann", "XDG_RUNTIME_DIR": "/run/user/7"}

    assert urls(environ, Path("/data")) == [
        "unix:///var/run/docker.sock",
        "unix:///run/podman/podman.sock",
        "unix:///run/user/7/docker.sock",
        "unix:///run/user/7/podman/podman.sock",
        "unix:///home/ann/.docker/run/docker.sock",
        "unix:///home/ann/.colima/default/docker.sock",
        "unix:///data/engine/docker.sock",
    ]


def test_the_current_docker_context_is_asked_when_it_is_local(tmp_path: Path) -> None:
    choose_context(tmp_path, "desktop", "unix:///home/ann/desktop.sock")

    places = urls({"HOME": str(tmp_path)}, tmp_path)

    assert places[1] == "unix:///home/ann/desktop.sock"


def test_a_context_of_another_machine_is_left_alone(tmp_path: Path) -> None:
    choose_context(tmp_path, "production", "ssh://root@example.com")

    places = urls({"HOME": str(tmp_path)}, tmp_path)

    assert all(place.startswith("unix://") for place in places)


@pytest.mark.parametrize("config", ["", "[]", "{}", '{"currentContext": "gone"}'])
def test_a_docker_configuration_without_a_context_is_no_obstacle(
    tmp_path: Path, config: str
) -> None:
    (tmp_path / "config.json").write_text(config)

    places = urls({"DOCKER_CONFIG": str(tmp_path)}, tmp_path)

    assert places[0] == "unix:///var/run/docker.sock"


@pytest.mark.parametrize("length", range(40, 120))
def test_an_own_engines_sockets_have_paths_that_can_be_bound(length: int) -> None:
    folder = run_dir(Path("/".ljust(length, "x")))

    assert len(bytes(folder / "exec/containerd/containerd-debug.sock")) <= 104


def test_two_data_directories_never_share_an_engine(tmp_path: Path) -> None:
    one, other = (own_engine(tmp_path / (name * 120)) for name in "ab")

    assert one != other


def test_the_data_directory_is_the_one_that_the_environment_names() -> None:
    assert default_data_dir({"HANDRAIL_DATA_DIR": "/srv/h"}) == Path("/srv/h")


def test_the_tools_of_docker_are_given_the_certificates_of_the_engine() -> None:
    engine = EngineAddress(
        url="tcp://example.com:2376", origin="", cert_path="/certs", tls_verify=True
    )

    assert engine.environment == {
        "DOCKER_HOST": "tcp://example.com:2376",
        "DOCKER_CERT_PATH": "/certs",
        "DOCKER_TLS_VERIFY": "1",
    }


def test_a_client_reaches_the_engine(answering_socket: Path) -> None:
    client = connect(address(answering_socket))

    assert client.ping()
    client.close()
