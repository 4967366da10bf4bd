"""Which files of a folder are structures to import, and the named sets that they make."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

#: what is taken from a folder; other formats are added one by one, where a person can say which they are
SUFFIX = ".cif"
#: the folders of the published benchmark's structures, each a set
BENCHMARK_SETS = ("main_set", "hcmof")
#: where they may lie below the folder that is given: in a checkout of the benchmark, or in a part of it
_PLACES = (".", "mofsimbench", "structures", "experiments/structures", "mof_benchmark/experiments/structures")
_SETS_FILE = "structures.yaml"


@dataclass(frozen=True)
class Plan:
    """The files, and for each set those that belong to it."""

    files: list[Path] = field(default_factory=list)
    sets: dict[str, list[Path]] = field(default_factory=dict)


def plan(folder: Path, *, recursive: bool, set_name: str | None) -> Plan:
    """What to import. A folder of the benchmark is known by its subfolders, unless a name for the set is given."""
    benchmark = _benchmark(folder) if set_name is None else None
    if benchmark:
        sets = _listed(benchmark / _SETS_FILE) or {
            name: _cifs(benchmark / name) for name in BENCHMARK_SETS if (benchmark / name).is_dir()
        }
        files = list(dict.fromkeys(path for members in sets.values() for path in members))
        return Plan(files, sets)
    files = _cifs(folder, recursive=recursive)
    return Plan(files, {set_name: files} if set_name and files else {})


def _benchmark(folder: Path) -> Path | None:
    for place in _PLACES:
        if any((folder / place / name).is_dir() for name in BENCHMARK_SETS):
            return folder / place
    return None


def _cifs(folder: Path, *, recursive: bool = False) -> list[Path]:
    found = folder.rglob("*") if recursive else folder.iterdir()
    hidden = (path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))
    return sorted(path for path in hidden if path.suffix.lower() == SUFFIX and path.is_file())


def _listed(path: Path) -> dict[str, list[Path]]:
    """The benchmark's own list of its sets, without those that have other files than CIF; {} where there is none.

    It leaves out what lies in the folders and was found wrong. Of YAML it uses lists of names, in one level.
    """
    if not path.is_file():
        return {}
    lists: dict[str, list[str]] = {}
    members: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].rstrip()
        if text.lstrip().startswith("- "):
            members.append(text.lstrip()[2:].strip())
        elif text.endswith(":") and not text.startswith(" "):
            members = lists.setdefault(text[:-1], [])
    sets = {name: [path.parent / member for member in _flat(lists, name)] for name in lists}
    return {name: found for name, found in sets.items() if found and all(p.suffix.lower() == SUFFIX for p in found)}


def _flat(lists: dict[str, list[str]], name: str, above: tuple[str, ...] = ()) -> Iterator[str]:
    """A member may be the name of another set, whose members are meant."""
    for member in lists[name]:
        if member not in lists:
            yield member
        elif member not in (*above, name):
            yield from _flat(lists, member, (*above, name))
