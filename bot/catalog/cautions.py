"""What is no mistake in `handrail.yaml`, and yet worth a look."""

from pathlib import Path

from bot.catalog.document import read_document
from bot.catalog.load import read
from bot.catalog.loosening import loosened
from bot.catalog.prefixes import open_ended
from bot.catalog.preset_commands import doubts
from bot.catalog.problem import ConfigProblems


def cautions(path: Path) -> list[str]:
    """Return a sentence on each; none where *path* cannot be used anyway."""
    try:
        config, catalog = read(path)
        document = read_document(path)
    except ConfigProblems:
        return []
    in_presets = map(document.problem, doubts(document.value))
    return [*loosened(config, catalog), *open_ended(catalog), *map(str, in_presets)]
