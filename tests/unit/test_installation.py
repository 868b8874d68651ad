"""What an installation keeps of itself."""

from pathlib import Path

from bot.installation import installation_id, known_engine, remember_engine


def test_an_installation_is_called_the_same_each_time(tmp_path: Path) -> None:
    first = installation_id(tmp_path)

    assert installation_id(tmp_path) == first
    assert [path.name for path in tmp_path.iterdir()] == ["installation"]


def test_the_last_engine_is_known_while_it_is_away(tmp_path: Path) -> None:
    assert known_engine(tmp_path) is None

    remember_engine(tmp_path, "ABCD:EFGH")
    remember_engine(tmp_path, "IJKL:MNOP")

    assert known_engine(tmp_path) == "IJKL:MNOP"
