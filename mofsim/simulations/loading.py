"""Loads models and tells the parent about it."""

import logging

from .channel import Writer
from .errors import error_type
from .models import LoadedModel, ModelShelf
from .protocol import ModelEntry
from .provenance import versions_of

log = logging.getLogger(__name__)


class Loader:
    """The shelf of warm models, with the messages that the parent gets for each change."""

    def __init__(self, shelf: ModelShelf, writer: Writer) -> None:
        self._shelf = shelf
        self._writer = writer

    def get(self, entry: ModelEntry, task_id: int | None) -> tuple[LoadedModel, float]:
        """The model, and the seconds that loading took (0 when it was warm).

        Raises what `ModelShelf.load` raises, after the parent was told.
        """
        warm = self._shelf.find(entry)
        if warm:
            return warm, 0.0
        name = entry["name"]
        self._writer.send({"type": "loading", "task_id": task_id, "model": name})
        before = self._shelf.names
        try:
            model = self._shelf.load(entry)
        except Exception as error:
            self._writer.send(
                {
                    "type": "load_failed",
                    "model": name,
                    "error_type": error_type(error),
                    "error_message": str(error),
                    "evicted": self._gone(before, name),
                }
            )
            raise
        self._tell_loaded(model, model.load_seconds, self._gone(before, name))
        log.info("Loaded %s on %s in %.1f s", name, model.device, model.load_seconds)
        return model, model.load_seconds

    def _gone(self, before: list[str], loading: str) -> list[str]:
        kept = self._shelf.names
        return [name for name in before if name not in kept and name != loading]

    def load(self, entry: ModelEntry) -> None:
        """Load ahead of a run; a failure has been reported when this returns."""
        try:
            model, seconds = self.get(entry, None)
        except Exception as error:
            log.warning("Loading %s failed: %s", entry["name"], error)
            return
        if not seconds:
            self._tell_loaded(model, 0.0, [])

    def _tell_loaded(self, model: LoadedModel, seconds: float, evicted: list[str]) -> None:
        self._writer.send(
            {
                "type": "loaded",
                "model": model.name,
                "seconds": seconds,
                "elements": model.elements,
                "weights_sha256": model.weights_sha256,
                "versions": versions_of(model),
                "evicted": evicted,
            }
        )

    def unload(self, name: str) -> None:
        """Answered also when there was no such model: what the parent wanted is so."""
        self._shelf.unload(name)
        self._writer.send({"type": "unloaded", "model": name})
