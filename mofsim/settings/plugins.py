"""What installed packages add to the models, by entry points. Nothing of it is imported by `import mofsim`."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from mofsim.settings.sources import Entry, Source

#: What mofsim.simulations.adapters builds; a test holds that the two agree.
FRAMEWORKS = ("ase", "chgnet", "fairchem", "mace", "mattersim", "orb", "sevenn")


def frameworks() -> list[str]:
    """Names of all frameworks that can be loaded here."""
    return sorted({*FRAMEWORKS, *(point.name for point in entry_points(group="mofsim.calculators"))})


def model_entries() -> tuple[list[Entry], list[str]]:
    """The models of installed packages as entries of the settings, and what is wrong with those that are none.

    An entry point of the group `mofsim.models` has the model's name, and its object is what would be the table
    [models.NAME] in settings.toml.
    """
    entries: list[Entry] = []
    mistakes: list[str] = []
    for point in entry_points(group="mofsim.models"):
        source = Source(f"package {point.dist.name if point.dist else '?'}", _folder(point))
        try:
            table = point.load()
        except Exception as error:
            # Whatever its author did; without the name of the package nobody would find it.
            mistakes.append(f"{source.label}: models.{point.name}: {point.value} can not be imported ({error})")
            continue
        if not isinstance(table, Mapping):
            mistakes.append(f"{source.label}: models.{point.name}: {point.value} is not a table (dict)")
            continue
        entries += [Entry(("models", point.name, str(key)), value, source) for key, value in table.items()]
    return entries, mistakes


def _folder(point: EntryPoint) -> Path:
    """Where relative paths start: the folder that the package is installed in."""
    return Path(str(point.dist.locate_file(""))) if point.dist else Path.cwd()
