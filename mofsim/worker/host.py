"""The executor of a worker: one at a time, with the interpreter and the models that are wanted."""

import queue
import time
from collections.abc import Callable

from mofsim.core import environments, models
from mofsim.db.tables import Model
from mofsim.settings import Settings
from mofsim.worker.executor import EXITED, Executor, ExecutorFailed, Message, interpreter
from mofsim.worker.run import load_took_too_long
from mofsim.worker.slots import Slot

#: how often somebody who waits for an answer says that this process lives
_ASK_SECONDS = 1.0


class ExecutorHost:
    """`started` is told the pid of each executor that takes the place of another one."""

    def __init__(self, settings: Settings, slot: Slot, started: Callable[[int], None]) -> None:
        self._settings = settings
        self._slot = slot
        self._started = started
        self.executor = Executor(slot, settings.worker.max_models_per_device)

    def python(self, model: Model) -> str:
        """The interpreter that the model wants, "" for ours; asked each time, since an environment may be made."""
        root = self._settings.storage.root
        return environments.python_for(root, model.name, model.framework, model.config.get("python", ""))

    def switch(self, python: str, tick: Callable[[], object]) -> None:
        """See to an executor of that interpreter, calling `tick` each second until it is there.

        Packages of potentials contradict each other, so a model may name the interpreter that has its own; the models
        of another one have to go. Raises ExecutorFailed.
        """
        if self.executor.python == interpreter(python) and self.executor.alive:
            return
        self.executor.stop(grace_seconds=2)
        self.executor = Executor(self._slot, self._settings.worker.max_models_per_device, python)
        self.executor.start(self._settings.worker.start_timeout_seconds, tick)
        self._started(self.executor.pid)

    def load(self, model: Model, tick: Callable[[], object]) -> str:
        """What went wrong, "" when nothing did. Raises ExecutorFailed."""
        self.switch(self.python(model), tick)
        entry = models.executor_entry(model, self._slot.device, self._settings.storage.root)
        answer = self._ask({"type": "load", "model": entry}, {"loaded", "load_failed"}, tick)
        return str(answer.get("error_message", ""))

    def unload(self, model: Model, tick: Callable[[], object]) -> None:
        """Raises ExecutorFailed."""
        if model.name in self.executor.loaded_models:
            self._ask({"type": "unload", "name": model.name}, {"unloaded"}, tick)

    def _ask(self, message: Message, answers: set[str], tick: Callable[[], object]) -> Message:
        self.executor.send(message)
        deadline = time.monotonic() + self._settings.worker.load_timeout_seconds
        while True:
            tick()
            if time.monotonic() >= deadline:
                self.executor.kill(because=load_took_too_long(self._settings))
            try:
                answer = self.executor.messages.get(timeout=_ASK_SECONDS)
            except queue.Empty:
                continue
            if answer is EXITED:
                raise ExecutorFailed(self.executor.last_words())
            if answer["type"] in answers:
                return answer
