"""Whose failure it was: the model's, which counts against it, or that of what it ran on, which says nothing of it."""

from mofsim.schemas.batches import BatchRow
from mofsim.vocabulary import TaskStatus, Verdict

#: Error types of tasks that a worker, a device, a disk or an installation ended, not a model. Any other counts against
#: the model, those that nobody knows too: a score must not become better by an error without a name.
INFRASTRUCTURE = frozenset(
    {
        *("AttemptsExhausted", "DeviceFault", "DiskFull", "OutOfMemory", "ModelLoadFailed", "MissingPackage"),
        *("OSError", "FileNotFoundError", "PermissionError", "BrokenPipeError", "ConnectionError", "TimeoutError"),
        *("ImportError", "ModuleNotFoundError"),
    }
)


def judge(row: BatchRow) -> tuple[Verdict, str | None]:
    """What the row says of its model, and in words why, unless it answered."""
    verdict = verdict_of(row.status, row.error_type)
    if verdict is Verdict.ANSWERED:
        return verdict, None
    if row.status is TaskStatus.CANCELLED:
        return verdict, "cancelled"
    if verdict is Verdict.PENDING:
        return verdict, f"has not ended: {row.status}"
    error = row.error_type or row.status
    return verdict, f"{error}: {row.error_message}" if row.error_message else error


def verdict_of(status: TaskStatus, error_type: str | None) -> Verdict:
    if not status.is_final:
        return Verdict.PENDING
    if status is TaskStatus.COMPLETED:
        return Verdict.ANSWERED
    is_silent = status is TaskStatus.CANCELLED or (error_type or status) in INFRASTRUCTURE
    return Verdict.NOT_COUNTED if is_silent else Verdict.FAILED
