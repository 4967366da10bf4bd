"""One attempt of one task: feed the executor, carry what it says to the database, stop it when it must stop."""

import queue
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from mofsim import __version__
from mofsim.core import leases
from mofsim.core.leases import Fenced, Outcome
from mofsim.db.engine import Database
from mofsim.db.tables import TaskLog, utcnow
from mofsim.settings import Settings
from mofsim.vocabulary import AttemptOutcome, LogLevel, StopReason, TaskStatus
from mofsim.worker import memory
from mofsim.worker.courier import Courier
from mofsim.worker.delivery import Delivery, Interrupted, Undelivered
from mofsim.worker.executor import EXITED, Executor, Message
from mofsim.worker.job import Job
from mofsim.worker.physics import PhysicsWatch

#: Status of a task that was stopped before it was done.
STOPPED_AS = {
    StopReason.CANCELLED: TaskStatus.CANCELLED,
    StopReason.TIMEOUT: TaskStatus.TIMEOUT,
}

#: Why a task goes back to the queue that was stopped for no fault of its own.
RELEASED_AS = {
    StopReason.SHUTDOWN: "the worker was stopped",
    StopReason.HELD: "it was held",
}


#: What a task's progress has from the executor as it is.
_AS_TOLD = (
    "energy_eV",
    "fmax_eV_per_A",
    "volume_A3",
    "stage",
    "stage_step",
    "stage_steps",
    "remaining_seconds",
)

#: What the worker says of itself, in the transaction that starts or ends the attempt; idle when its task ends.
Announce = Callable[[Session], None]


@dataclass
class Run:
    """The life of one attempt inside this process."""

    database: Database
    settings: Settings
    executor: Executor
    job: Job
    stopping: Callable[[], bool]
    at_start: Announce
    at_end: Announce
    #: of a box that does not have the data folder of the server
    courier: Courier | None = None
    logs: list[TaskLog] = field(default_factory=list)
    progress: dict[str, Any] | None = None
    progress_is_new: bool = False
    #: of the simulation; None while its model is loaded
    deadline: float | None = None
    load_deadline: float = 0.0
    stop: StopReason | None = None
    kill_at: float | None = None
    next_beat: float = 0.0
    #: the most that the executor was seen to have of the machine's memory
    peak_MB: float = 0.0
    kills_before: int = 0

    def __post_init__(self) -> None:
        self.physics = PhysicsWatch(self.database, self.job.lease)
        self.delivery = self._delivery()

    def carry_out(self) -> None:
        """Returns when the attempt has ended, in whatever way; the database knows how."""
        self.kills_before = memory.kills()
        worker = self.settings.worker
        self.next_beat = time.monotonic() + worker.progress_interval_seconds
        self.load_deadline = time.monotonic() + worker.load_timeout_seconds
        self.executor.send(self.job.request)
        try:
            while not self._step():
                pass
        except Fenced:
            # Somebody else has the task by now: nothing this executor says may be written any more.
            self.executor.kill()
            with self.database.write() as session:
                self.at_end(session)
        finally:
            if self.delivery:
                self.delivery.end()

    def _step(self) -> bool:
        """Handle one message or one tick of the clock; True when the attempt has ended."""
        now = time.monotonic()
        try:
            message = self.executor.messages.get(timeout=max(0.0, self.next_beat - now))
        except queue.Empty:
            self._tick()
            return False
        if self._handle(message):
            return True
        if time.monotonic() >= self.next_beat:
            self._tick()
        return False

    def _handle(self, message: Message) -> bool:
        if message is EXITED:
            self._executor_died()
            return True
        if message.get("task_id") not in (None, self.job.lease.task_id):
            return False
        match message["type"]:
            case "loading":
                self._log(LogLevel.INFO, "mofsim.worker", f"loading {message['model']}")
            case "started":
                self._started(message)
            case "progress":
                self._progressed(message)
            case "log":
                time_ = datetime.fromisoformat(message["time"])
                self._log(LogLevel(message["level"]), message["logger"], message["message"], time_)
            case "stderr":
                self._log(LogLevel.DEBUG, "executor", message["line"])
            case "completed" | "stopped" | "failed":
                self._ended(message)
                return True
        return False

    def _started(self, message: Message) -> None:
        self.deadline = time.monotonic() + self.job.timeout_seconds
        total, resumed_from = message["total_steps"], message.get("resumed_from")
        self.progress = {"step": resumed_from or 0, "total_steps": total, "percent": _percent(resumed_from or 0, total)}
        with self.database.write() as session:
            leases.start(session, self.job.lease, total, resumed_from)
            self.at_start(session)
        if self.delivery:
            self.delivery.begin()
        self.next_beat = time.monotonic() + self.settings.worker.progress_interval_seconds

    def _progressed(self, message: Message) -> None:
        step, left = message["step"], message["steps_left"]
        total = message["total_steps"]
        # The total may be no more than a limit; what is left is known better.
        whole = total if left is None else step + left
        self.progress = {"step": step, "total_steps": total, "percent": _percent(step, whole)}
        self.progress |= {name: message[name] for name in _AS_TOLD}
        self.progress_is_new = True
        self.physics.look(message)

    def _tick(self) -> None:
        """Renew the lease, publish what is new, and see to it that whoever wants a stop gets it."""
        asked = self._renew()
        self.peak_MB = max(self.peak_MB, self.executor.memory_MB("VmHWM"))
        self._stop_if_asked(asked)

    def _renew(self) -> StopReason | None:
        worker, scheduler = self.settings.worker, self.settings.scheduler
        self.next_beat = time.monotonic() + min(worker.progress_interval_seconds, scheduler.heartbeat_seconds)
        progress = self.progress if self.progress_is_new else None
        with self.database.write() as session:
            asked = leases.heartbeat(
                session,
                self.job.lease,
                lease_seconds=scheduler.lease_seconds,
                progress=progress,
                webhook_interval_seconds=self.settings.webhooks.progress_interval_seconds,
            )
            session.add_all(self.logs)
        self.logs, self.progress_is_new = [], False
        return asked

    def _stop_if_asked(self, asked: StopReason | None) -> None:
        now = time.monotonic()
        if self.kill_at is not None:
            if now >= self.kill_at:
                self._log(LogLevel.WARNING, "mofsim.worker", "it did not stop in time; the executor is killed")
                self.executor.kill()
            return
        if asked in (StopReason.CANCELLED, StopReason.HELD):
            self._request_stop(asked)
        elif self.stopping():
            self._request_stop(StopReason.SHUTDOWN)
        elif self.deadline is None:
            if now >= self.load_deadline:
                # Whoever loads cannot be asked to stop.
                self.executor.kill(because=load_took_too_long(self.settings))
        elif now >= self.deadline:
            self._request_stop(StopReason.TIMEOUT)

    def _request_stop(self, reason: StopReason) -> None:
        worker = self.settings.worker
        grace = worker.stop_grace_seconds / 2 if reason is StopReason.SHUTDOWN else worker.cancel_grace_seconds
        self.stop, self.kill_at = reason, time.monotonic() + grace
        lease = self.job.lease
        # Between a stop of the worker and of the task the executor need not tell: it leaves a checkpoint either way.
        told = StopReason.SHUTDOWN if reason in RELEASED_AS else reason
        self.executor.send({"type": "cancel", "task_id": lease.task_id, "attempt": lease.attempt, "reason": told})

    def _ended(self, message: Message) -> None:
        stopped = message["type"] == "stopped"
        if stopped and self.stop in RELEASED_AS:
            self._give_back(AttemptOutcome.RELEASED, RELEASED_AS[self.stop], 0)
            return
        match message.get("error_type"):
            case "DiskFull":
                # It waits until the box is well again, and that costs none of its tries.
                self._give_back(AttemptOutcome.RELEASED, message["error_message"], self._backoff)
                return
            case "DeviceFault":
                # Nothing more can be computed in that process, whatever the next task is.
                self.executor.kill()
                self._log(LogLevel.ERROR, "mofsim.worker", f"the device failed: {message['error_message']}")
                self._give_back(AttemptOutcome.LOST, f"the device failed: {message['error_message']}", self._backoff)
                return
            case "OutOfMemory":
                self._ran_out_of_memory(message)
                return
        if stopped:
            status = STOPPED_AS[StopReason(message["reason"])]
        else:
            status = TaskStatus.COMPLETED if message["type"] == "completed" else TaskStatus.FAILED
        if status is TaskStatus.FAILED:
            self._log(LogLevel.ERROR, "mofsim.worker", f"{message['error_type']}: {message['error_message']}")
            self._log(LogLevel.DEBUG, "mofsim.worker", message.get("traceback", ""))
        if self.progress is not None:
            self.progress["remaining_seconds"] = None
            if status is TaskStatus.COMPLETED:
                self.progress["percent"] = 100.0
        self._finish(self._outcome(status, message))

    def _outcome(self, status: TaskStatus, message: Message) -> Outcome:
        error_type, error_message = message.get("error_type"), message.get("error_message")
        if status is TaskStatus.TIMEOUT:
            error_type = "TimeLimit"
            error_message = f"it ran longer than its limit of {self.job.timeout_seconds:g} s"
        return Outcome(
            status=status,
            result=message["result"],
            output_files=message["output_files"],
            metrics=message["metrics"],
            provenance=message["provenance"] | {"mofsim": __version__, "preset": self.job.preset},
            error_type=error_type,
            error_message=error_message,
            progress=self.progress,
        )

    def _executor_died(self) -> None:
        """Killed by us because it would not stop, or by somebody or something else."""
        if self.stop in STOPPED_AS:
            status = STOPPED_AS[self.stop]
            self._finish(self._outcome(status, self._left_behind()))
        elif self.stop in RELEASED_AS:
            self._give_back(AttemptOutcome.RELEASED, RELEASED_AS[self.stop], 0)
        elif self.executor.was_killed and memory.kills() > self.kills_before:
            self._machine_ran_out_of_memory()
        else:
            reason = self.executor.last_words()
            self._log(LogLevel.ERROR, "mofsim.worker", reason)
            self._give_back(AttemptOutcome.LOST, reason, self._backoff)

    def _machine_ran_out_of_memory(self) -> None:
        """The kernel killed the executor for it. What others had of that memory is not known."""
        words = "the machine ran out of memory, and the kernel killed the process that computed"
        message = self._left_behind() | {"error_type": "OutOfMemory", "error_message": words}
        is_cpu = self.job.request["model"]["device"] == "cpu"
        self._out_of_memory(message, had_MB=self.peak_MB or None if is_cpu else None, is_all=False)

    def _ran_out_of_memory(self, message: Message) -> None:
        """The simulation could not have what it wanted."""
        model = self.job.request["model"]["name"]
        had_MB = self.job.gpu_memory_MB
        is_all = had_MB is not None and self.executor.loaded_models in ([], [model])
        if not is_all:
            # Other models, or other processes on a CPU: only what it came to is known to be too little.
            had_MB = message["metrics"].get("peak_memory_MB")
        self._out_of_memory(message, had_MB=had_MB, is_all=is_all)

    def _out_of_memory(self, message: Message, *, had_MB: float | None, is_all: bool) -> None:
        """With a new executor the next task finds the device empty."""
        self.executor.kill()
        self._log(LogLevel.ERROR, "mofsim.worker", f"out of memory: {message['error_message']}")
        outcome = self._outcome(TaskStatus.FAILED, message)
        if self.delivery:
            # The task may go on elsewhere, or end with what there is.
            outcome = self.delivery.deliver_what_comes(outcome)
            self.delivery.send_checkpoint()
        with self.database.write() as session:
            leases.ran_out_of_memory(
                session, self.job.lease, outcome, had_MB=had_MB, is_all=is_all, backoff_seconds=self._backoff
            )
            session.add_all(self.logs)
            self.at_end(session)

    def _left_behind(self) -> Message:
        """What a killed executor left in its folder, in the form of a message that it could not send.

        Hidden files are those that it had only half written.
        """
        folder = Path(self.job.request["directory"])
        whole = [path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]
        files = {path.name: path.stat().st_size for path in whole}
        request, model = self.job.request, self.job.request["model"]
        provenance = {
            "task_type": request["task_type"],
            "parameters": request["parameters"],
            "model": model["name"],
            "framework": model["framework"],
            "model_options": model["options"],
            "dtype": model["dtype"],
        }
        return {"result": {}, "output_files": files, "metrics": {}, "provenance": provenance}

    def _finish(self, outcome: Outcome) -> None:
        if self.delivery:
            try:
                outcome = self.delivery.deliver(outcome)
            except Undelivered as error:
                self._give_back(error.outcome, str(error), self._backoff)
                return
            except Interrupted as stop:
                self._give_back(AttemptOutcome.RELEASED, RELEASED_AS[stop.reason], 0)
                return
        with self.database.write() as session:
            leases.finish(session, self.job.lease, outcome)
            session.add_all(self.logs)
            self.at_end(session)
        if outcome.status is TaskStatus.COMPLETED:
            # Only now: until the result is published, a kill may make the task go on from there.
            checkpoints = Path(self.job.request["checkpoint"])
            if self.delivery and checkpoints.is_dir() and any(checkpoints.iterdir()):
                self.delivery.forget_checkpoints()
            shutil.rmtree(checkpoints, ignore_errors=True)

    def _delivery(self) -> Delivery | None:
        if self.courier is None:
            return None

        def warn(words: str) -> None:
            self._log(LogLevel.WARNING, "mofsim.worker", words)

        return Delivery(self.courier, self.settings, renew=self._renew, stopping=self.stopping, warn=warn)

    @property
    def _backoff(self) -> float:
        return self.settings.scheduler.retry_backoff_seconds

    def _give_back(self, outcome: AttemptOutcome, reason: str, backoff_seconds: float) -> None:
        if self.delivery:
            self.delivery.send_checkpoint()
        with self.database.write() as session:
            leases.give_back(session, self.job.lease, outcome, reason, backoff_seconds=backoff_seconds)
            session.add_all(self.logs)
            self.at_end(session)

    def _log(self, level: LogLevel, logger: str, message: str, time_: datetime | None = None) -> None:
        lease = self.job.lease
        self.logs.append(
            TaskLog(
                task_id=lease.task_id,
                attempt=lease.attempt,
                time=time_ or utcnow(),
                level=level,
                logger=logger,
                message=message,
            )
        )


def load_took_too_long(settings: Settings) -> str:
    return f"the model was not loaded after worker.load_timeout_seconds = {settings.worker.load_timeout_seconds:g}"


def _percent(step: int, total: float) -> float | None:
    return round(100 * step / total, 2) if total else None
