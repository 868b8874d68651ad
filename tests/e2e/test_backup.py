"""The record on the way from one machine to another, by the command line."""

from pathlib import Path

from tests.support.command_line import handrail
from tests.support.setup import a_setup


async def test_a_backup_that_was_made_while_the_bot_ran_is_restored_elsewhere(
    tmp_path: Path,
) -> None:
    file, elsewhere = str(tmp_path / "copy"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    async with a_setup(tmp_path) as setup:
        async with setup.serving():
            ts = await setup.seen.task("net-prod echo to be kept")
            await setup.seen.tells(ts, "finished")
            made = await handrail("backup", file, **setup.settings)
            again = await handrail("backup", file, **setup.settings)
        moved = setup.settings | {"HANDRAIL_DATA_DIR": str(elsewhere)}

        restored = await handrail("restore", file, **moved)
        twice = await handrail("restore", file, **moved)

        output = await handrail("output", "1", **moved)
        chain = await handrail("audit", "verify", **moved)
    assert (made.code, made.err) == (0, "")
    assert "has the record" in made.out
    assert (again.code, again.out) == (1, "")
    assert "Name another file" in again.err
    assert (restored.code, restored.err) == (0, "")
    assert (twice.code, twice.out) == (1, "")
    assert "There is a record in the database already" in twice.err
    assert output.out == "to be kept\n"
    assert chain.code == 0
