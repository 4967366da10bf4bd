"""The potentials that stay loaded, least recently used out first."""

import gc
import hashlib
import json
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .calculators import builder_of, d3_calculator
from .collector import paused
from .errors import ModelLoadFailed, is_out_of_memory
from .potential import Potential
from .protocol import ModelEntry
from .weights import weights_file


@dataclass(frozen=True)
class LoadedModel:
    """A warm potential and what belongs into the provenance of its results."""

    entry: ModelEntry
    potential: Potential
    elements: list[str] | None
    packages: tuple[str, ...]
    weights_name: str
    weights_sha256: str | None
    load_seconds: float

    @property
    def name(self) -> str:
        return self.entry["name"]

    @property
    def device(self) -> str:
        return self.entry.get("device", "cpu")


def load_model(entry: ModelEntry, threads: int | None = None) -> LoadedModel:
    """Builds the potential of `entry`.

    Raises ModelLoadFailed; and what stands for a lack of memory as it is, because that one may fit elsewhere.
    """
    started = time.perf_counter()
    _refuse_other_weights(entry)
    try:
        with paused():
            built = builder_of(entry["framework"])(entry)
            parts = [built.calculator] + ([d3_calculator()] if entry.get("d3") else [])
        sha256 = _sha256(built.weights) if built.weights else None
    except ModelLoadFailed:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise ModelLoadFailed(
            f"Model {entry['name']!r} ({entry['framework']}) could not be loaded: {type(error).__name__}: {error}"
        ) from error
    _limit_threads(threads)
    return LoadedModel(
        entry=entry,
        potential=Potential(parts),
        elements=built.elements,
        packages=built.packages,
        weights_name=built.weights.name if built.weights else entry["checkpoint"],
        weights_sha256=sha256,
        load_seconds=time.perf_counter() - started,
    )


class ModelShelf:
    """At most `capacity` loaded models. An entry that was changed under the same name is loaded anew."""

    def __init__(self, capacity: int, threads: int | None = None) -> None:
        if capacity < 1:
            raise ValueError("`capacity` must be at least 1")
        self._capacity = capacity
        self._threads = threads
        self._models: OrderedDict[str, LoadedModel] = OrderedDict()

    @property
    def names(self) -> list[str]:
        """Least recently used first."""
        return list(self._models)

    def find(self, entry: ModelEntry) -> LoadedModel | None:
        """The warm model for exactly this entry."""
        model = self._models.get(entry["name"])
        if model is None or _key(model.entry) != _key(entry):
            return None
        self._models.move_to_end(entry["name"])
        return model

    def load(self, entry: ModelEntry) -> LoadedModel:
        """Others go before this one comes, so that memory never holds one more than allowed."""
        self._make_room(entry["name"])
        model = load_model(entry, self._threads)
        self._models[entry["name"]] = model
        return model

    def unload(self, name: str) -> bool:
        """Whether there was such a model."""
        found = self._models.pop(name, None) is not None
        if found:
            free_memory()
        return found

    def _make_room(self, name: str) -> None:
        before = len(self._models)
        self._models.pop(name, None)
        while len(self._models) >= self._capacity:
            self._models.popitem(last=False)
        if len(self._models) < before:
            free_memory()


def free_memory() -> None:
    """Give back what unreachable tensors held, on the host and on the GPU."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def _limit_threads(threads: int | None) -> None:
    """Two executors on two cores with two threads each would fight."""
    torch = sys.modules.get("torch")
    if threads and torch is not None:
        set_threads: Callable[[int], None] = torch.set_num_threads
        set_threads(threads)


def _refuse_other_weights(entry: ModelEntry) -> None:
    """Before anything reads the file: a file of torch can run code as it is loaded."""
    expected = entry.get("sha256")
    if expected is None:
        return
    path = weights_file(entry)
    found = _sha256(path)
    if found != expected:
        raise ModelLoadFailed(
            f"The weights of model {entry['name']!r} are not those that were uploaded: {path} has the SHA-256 "
            f"{found} and should have {expected}. Somebody replaced the file. Delete the model and upload it again."
        )


def _key(entry: ModelEntry) -> str:
    return json.dumps(entry, sort_keys=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
