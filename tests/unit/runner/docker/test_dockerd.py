import os
from pathlib import Path

import pytest

from runner.docker.dockerd import Dockerd, Network


@pytest.fixture
def dockerd(tmp_path: Path) -> Dockerd:
    (tmp_path / "engine").mkdir()
    return Dockerd.under(tmp_path)


def test_an_own_engine_keeps_all_its_files_under_its_data_directory() -> None:
    options = Dockerd.under(Path("/data")).command(Network.FILTERED)[1:]

    assert options == [
        "--host=unix:///data/engine/docker.sock",
        "--data-root=/data/engine/data",
        "--exec-root=/data/engine/exec",
        "--pidfile=/data/engine/dockerd.pid",
    ]


def test_an_isolated_engine_touches_neither_firewall_nor_bridge(
    dockerd: Dockerd,
) -> None:
    assert dockerd.command(Network.ISOLATED)[-3:] == [
        "--iptables=false", "--ip-forward=false", "--bridge=none",
    ]  # fmt: skip


@pytest.mark.parametrize("content", ["", "not a number", "999999999"])
def test_a_process_id_that_names_nothing_is_no_running_engine(
    dockerd: Dockerd, content: str
) -> None:
    dockerd.pid_file.write_text(content)

    assert dockerd.pid() is None


def test_a_process_id_that_went_to_another_program_is_never_stopped(
    dockerd: Dockerd,
) -> None:
    dockerd.pid_file.write_text(str(os.getpid()))

    assert dockerd.pid() is None
    assert dockerd.stop() is False
