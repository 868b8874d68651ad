from pathlib import Path

from bot.sandbox.manifest import Manifest

MANIFEST = Path(__file__).parents[2] / "contract/sandbox/manifest.yml"


def test_a_manifest_says_what_the_app_may_do() -> None:
    manifest = Manifest.read(MANIFEST)

    assert (manifest.name, manifest.bot_name) == ("Sample", "sample")
    assert "chat:write" in manifest.bot_scopes
    assert manifest.bot_events == {
        "message.channels",
        "message.groups",
        "app_home_opened",
    }
    assert manifest.home_tab
    assert manifest.messages_tab
    assert not manifest.messages_read_only
    assert manifest.interactivity


def test_commands_are_known_by_name() -> None:
    manifest = Manifest.read(MANIFEST)

    escaped = manifest.command("/escaped")
    assert escaped is not None
    assert escaped.should_escape
    assert manifest.command("/nope") is None


def test_a_bare_manifest_grants_nothing(tmp_path: Path) -> None:
    path = tmp_path / "manifest.yml"
    path.write_text("display_information: {name: Bare}")

    manifest = Manifest.read(path)

    assert (manifest.bot_scopes, manifest.commands) == (frozenset(), ())
    assert not manifest.interactivity
    assert not manifest.messages_tab
    assert manifest.messages_read_only
