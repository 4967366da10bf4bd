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
    if row.status is TaskStatus.COMPLETED:
        return Verdict.ANSWERED, None
    if row.status is TaskStatus.CANCELLED:
        return Verdict.NOT_COUNTED, "cancelled"
    if not row.status.is_final:
        return Verdict.PENDING, f"has not ended: {row.status}"
    error = row.error_type or row.status
    verdict = Verdict.NOT_COUNTED if error in INFRASTRUCTURE else Verdict.FAILED
    return verdict, f"{error}: {row.error_message}" if row.error_message else error
