"""Where a result comes from: how it ran, its versions and hashes, its files. Knows neither Textual nor HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from mofsim.tui import figures, format, quantities
from mofsim.tui.looks import DIM
from mofsim.tui.sheet import Entry, title

if TYPE_CHECKING:
    from mofsim.schemas.tasks import OutputFile, TaskResult

_METRICS: Final = {
    "duration_seconds": "computed for",
    "seconds_per_step": "time of a step",
    "load_seconds": "model loaded in",
    "peak_memory_MB": "most memory",
}


def run(found: TaskResult) -> Iterator[Entry]:
    yield Entry("attempt", str(found.attempt))
    for name, value in found.metrics.items():
        if value is None:
            continue
        yield Entry(
            _METRICS.get(name, quantities.split_unit(name)[0]), _metric(name, value), copied=figures.exact(value)
        )


def _metric(name: str, value: Any) -> str:
    match name:
        case "duration_seconds":
            return format.clock(value)
        case "seconds_per_step":
            return f"{value:.3g} s"
        case "peak_memory_MB":
            return format.size(value * 1e6)
    return figures.named(name, value)


def provenance_of(provenance: Mapping[str, Any], dots: str) -> Iterator[Entry]:
    """Model, structure and hashes, then versions; parameters stand among the inputs."""
    for name, value in provenance.items():
        if value is None or value == {} or name in ("parameters", "versions", "preset", "task_type"):
            continue
        if isinstance(value, Mapping):
            text = ", ".join(f"{key} {quantities.text(item)}" for key, item in value.items())
        else:
            text = quantities.text(value)
        if name.endswith("_sha256"):
            yield Entry(f"{name.removesuffix('_sha256')} (SHA-256)", figures.short_hash(text, dots), copied=text)
        else:
            yield Entry(name.replace("_", " "), text)
    versions = provenance.get("versions")
    if isinstance(versions, Mapping):
        yield Entry("versions", ", ".join(f"{name} {version}" for name, version in versions.items() if version))


def files_of(files: Sequence[OutputFile], under_way: Mapping[str, str]) -> Iterable[Entry]:
    if not files:
        return
    width = max(len(file.name) for file in files)
    yield title("files   enter saves, y copies the address")
    for file in files:
        words = under_way.get(file.name, "")
        line = f"{file.name:<{width}}  {format.size(file.size_bytes):>8}  {words}"
        yield Entry(value=line, rigid=True, copied=file.url, file=file.name)
    if len(files) > 1:
        total = format.size(sum(file.size_bytes for file in files))
        words = under_way.get("*", "")
        urls = "\n".join(file.url for file in files)
        yield Entry(
            value=f"{'all of them':<{width}}  {total:>8}  {words}", style=DIM, rigid=True, copied=urls, file="*"
        )
