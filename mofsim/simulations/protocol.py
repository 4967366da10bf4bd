"""The messages between a device worker (parent) and its executor (child): one JSON object a line.

Parent to child, on the child's stdin: `run`, `cancel`, `load`, `unload`, `shutdown`.
Child to parent, on the child's original stdout: everything else. A run ends with exactly one of `completed`,
`stopped` and `failed`.

Units are in the names of the fields. NaN and infinity never reach JSON: they become null.
"""

import json
import math
from typing import Any, Literal, NotRequired, TypedDict

StopReason = Literal["cancelled", "timeout", "shutdown"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class ModelEntry(TypedDict):
    """A potential, as the parent's registry of models describes it."""

    name: str
    #: names the builder: one of mofsim.simulations.adapters, or an entry point of the group `mofsim.calculators`
    framework: str
    #: "package:NAME/path/in/the/package", an absolute path, or "module:Class" for the framework "ase"
    checkpoint: str
    #: add D3(BJ) dispersion with the parameters of PBE
    d3: NotRequired[bool]
    dtype: NotRequired[str]
    device: NotRequired[str]
    #: goes to the builder as it is
    options: NotRequired[dict[str, Any]]
    #: what the file of `checkpoint` has to be; any other one is not opened
    sha256: NotRequired[str]


class CheckpointEvery(TypedDict):
    """Whichever comes first."""

    steps: int
    seconds: float


class RunRequest(TypedDict):
    type: Literal["run"]
    task_id: int
    attempt: int
    task_type: str
    #: absolute path of a folder that exists; all outputs go there
    directory: str
    #: absolute path of a normalised extXYZ file
    structure: str
    model: ModelEntry
    #: all resolved: no defaults are filled in by the child
    parameters: dict[str, Any]
    #: absolute path of a normalised extXYZ file with the guest molecule, where it was uploaded
    guest: NotRequired[str]
    #: for titles of plots; without it they show the formula
    structure_name: NotRequired[str]
    #: absolute path of a folder that outlives attempts; a run goes on from the checkpoint in it, and leaves its own
    checkpoint: NotRequired[str]
    checkpoint_every: NotRequired[CheckpointEvery]


class CancelRequest(TypedDict):
    """Stop a run between two steps. It may arrive shortly before its run."""

    type: Literal["cancel"]
    task_id: int
    reason: StopReason
    #: with it, another attempt of the same task is left alone
    attempt: NotRequired[int]


class LoadRequest(TypedDict):
    type: Literal["load"]
    model: ModelEntry


class UnloadRequest(TypedDict):
    type: Literal["unload"]
    name: str


class ShutdownRequest(TypedDict):
    """Stop what runs between two steps (reason "shutdown") and exit."""

    type: Literal["shutdown"]


_FIELDS: dict[str, frozenset[str]] = {
    "run": RunRequest.__required_keys__,
    "cancel": CancelRequest.__required_keys__,
    "load": LoadRequest.__required_keys__,
    "unload": UnloadRequest.__required_keys__,
    "shutdown": ShutdownRequest.__required_keys__,
}

Request = RunRequest | CancelRequest | LoadRequest | UnloadRequest | ShutdownRequest


class Ready(TypedDict):
    type: Literal["ready"]
    pid: int
    versions: dict[str, str]


class Loading(TypedDict):
    type: Literal["loading"]
    task_id: int | None
    model: str


class LoadedMessage(TypedDict):
    type: Literal["loaded"]
    model: str
    seconds: float
    #: symbols, sorted by atomic number; null when the potential does not say
    elements: list[str] | None
    #: null where there is no file with weights
    weights_sha256: str | None
    #: of the packages that compute, and of Python
    versions: dict[str, str]
    evicted: list[str]


class LoadFailed(TypedDict):
    type: Literal["load_failed"]
    model: str
    error_type: str
    error_message: str
    #: models that had to go to make room, although nothing came
    evicted: list[str]


class Unloaded(TypedDict):
    type: Literal["unloaded"]
    model: str


class Started(TypedDict):
    type: Literal["started"]
    task_id: int
    total_steps: int
    #: the step of the checkpoint that it goes on from
    resumed_from: int | None


class Progress(TypedDict):
    """One for every step, the first (0) included; the parent throttles. `total_steps` may change on the way."""

    type: Literal["progress"]
    task_id: int
    step: int
    total_steps: int
    energy_eV: float | None
    #: largest force on an atom
    fmax_eV_per_A: float | None
    volume_A3: float | None
    #: see `stage.Stage`; null in a simulation that has no parts
    stage: str | None
    stage_step: int | None
    stage_steps: int | None
    #: null where nobody can tell
    steps_left: float | None
    #: null as long as `steps_left` is
    remaining_seconds: float | None


class LogMessage(TypedDict):
    type: Literal["log"]
    task_id: int | None
    #: ISO 8601, UTC
    time: str
    level: LogLevel
    logger: str
    message: str


class Metrics(TypedDict):
    #: from the first to the last moment of the run, without loading the model
    duration_seconds: float
    #: mean over the steps that were made, the first (0) included; null when none was
    seconds_per_step: float | None
    #: 0 when the model was warm
    load_seconds: float
    #: of the GPU where the model is on one, else of this process
    peak_memory_MB: float | None


class RunEnd(TypedDict):
    task_id: int
    result: dict[str, Any]
    #: name of a file in the run's directory → size in bytes
    output_files: dict[str, int]
    metrics: Metrics
    provenance: dict[str, Any]


class Completed(RunEnd):
    type: Literal["completed"]


class Stopped(RunEnd):
    """`result` holds what was known when it stopped."""

    type: Literal["stopped"]
    reason: StopReason


class Failed(RunEnd):
    """`result` holds what was known when it failed; it may be empty."""

    type: Literal["failed"]
    #: SimulationExploded, OutOfMemory, DeviceFault, DiskFull, ModelLoadFailed, InvalidInput, or the exception's name
    error_type: str
    error_message: str
    traceback: str


Report = (
    Ready
    | Loading
    | LoadedMessage
    | LoadFailed
    | Unloaded
    | Started
    | Progress
    | LogMessage
    | Completed
    | Stopped
    | Failed
)


def plain(value: Any) -> Any:
    """`value` with NumPy scalars and arrays as plain numbers and lists, and NaN and ±inf as None."""
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return str(value)


def encode(message: Report | Request) -> bytes:
    """One line of the protocol, its newline included."""
    text = json.dumps(plain(message), allow_nan=False, separators=(",", ":"))
    return text.encode() + b"\n"


def decode_request(line: bytes) -> dict[str, Any]:
    """The request in `line`; raises ValueError when it is none, or lacks a field that every one has."""
    message = json.loads(line)
    if not isinstance(message, dict) or message.get("type") not in _FIELDS:
        raise ValueError(f"`type` should be one of {', '.join(_FIELDS)}")
    missing = _FIELDS[message["type"]] - message.keys()
    if missing:
        raise ValueError(f"{message['type']} lacks {', '.join(sorted(missing))}")
    return message
