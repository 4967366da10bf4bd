"""What can be set: one frozen model per table of settings.toml, with each key's meaning, unit and limits."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from mofsim.vocabulary import AlertLevel, LogLevel


class Table(BaseModel):
    """A table of settings.toml. Strict: `port = "8321"` and `port = true` are mistakes, not numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)


def setting(default: Any, says: str, want: str, **limits: Any) -> Any:
    """A key: `says` is its meaning with the unit, `want` ends the sentence "write …" of a mistake."""
    return Field(default, description=says, json_schema_extra={"want": want}, **limits)


SECONDS = "seconds above 0"
DAYS = "days, 0 or more"
PER_MINUTE = "0 or more"
MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
CHANNEL_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
Element = Annotated[str, Field(pattern="^[A-Z][a-z]?$")]


class ServerSettings(Table):
    host: str = setting("127.0.0.1", "address to listen on", "an address of this machine", min_length=1)
    port: int = setting(8321, "port to listen on", "a port from 1 to 65535", ge=1, le=65535)
    names: list[str] = setting([], "further names that the server answers to", 'a list like ["box.example.org"]')
    tls_cert: str = setting("", 'file with the certificate for HTTPS; "" is HTTP', "the path of a PEM file")
    tls_key: str = setting("", "file with the private key of the certificate", "the path of a PEM file")
    trusted_proxies: list[str] = setting(
        [], "addresses of proxies whose X-Forwarded-For is believed", 'a list like ["127.0.0.1", "10.0.0.0/8"]'
    )
    cors_origins: list[str] = setting([], "web pages that may call the API", "a list of origins")
    shutdown_grace_seconds: float = setting(5.0, "how long open requests may take to end", SECONDS, gt=0)
    event_poll_seconds: float = setting(0.05, "how often the database is asked for new events", SECONDS, gt=0)
    event_backlog: int = setting(
        5000, "events replayed to a client that was away before it is told to start anew", "1 or more", ge=1
    )


class DatabaseSettings(Table):
    url: SecretStr = setting(
        SecretStr(""),
        'SQLAlchemy URL; "" is the file mofsim.db in storage.root',
        '"", sqlite:////folder/file or postgresql://user:password@host/name',
    )
    busy_timeout_seconds: float = setting(30.0, "how long to wait for another writer", SECONDS, gt=0)


class QueueSettings(Table):
    backend: Literal["sqlite", "postgresql", "redis"] = setting(
        "sqlite", "where the queue's tickets lie", '"sqlite", "postgresql" or "redis"'
    )
    url: SecretStr = setting(
        SecretStr(""),
        'server of the tickets; "" with postgresql: that of database.url',
        '"", postgresql://user:password@host/name or redis://host:6379/0',
    )
    poll_interval_seconds: float = setting(0.05, "how often an idle worker looks for a ticket", SECONDS, gt=0)


def _user_data_folder() -> Path:
    return platformdirs.user_data_path("mofsim")


class StorageSettings(Table):
    root: Annotated[Path, Field(strict=False)] = Field(
        default_factory=_user_data_folder,
        description="folder of the database, queue, structures, results and logs",
        json_schema_extra={"want": "the path of a folder"},
    )
    min_free_MB: int = setting(100, "no task is started with less room on the disk, in MB", "0 or more", ge=0)
    max_upload_MB: int = setting(20, "largest structure file that is accepted, in MB", "1 or more", ge=1)
    max_model_MB: int = setting(2000, "largest file with weights that is accepted, in MB", "1 or more", ge=1)
    max_result_MB: int = setting(
        10_000, "largest file of a result that is accepted from a worker without this folder, in MB", "1 or more", ge=1
    )
    max_atoms: int = setting(20_000, "largest structure that is accepted, in atoms", "1 or more", ge=1)
    parse_timeout_seconds: float = setting(20.0, "how long reading an uploaded file may take", SECONDS, gt=0)
    compress_after_days: float = setting(
        30.0, "age at which the files of a result are compressed, in days; 0: never", DAYS, ge=0
    )
    keep_days: float = setting(180.0, "age at which the files of a result are removed, in days; 0: never", DAYS, ge=0)


class SchedulerSettings(Table):
    default_model: str = setting("7net-0", "model of a task that names none", "a name from [models]")
    lease_seconds: float = setting(
        30.0, "a task whose worker was silent for so long is given to another", SECONDS, gt=0
    )
    heartbeat_seconds: float = setting(1.0, "how often a worker renews its lease", SECONDS, gt=0)
    model_affinity_seconds: float = setting(
        120.0,
        "how much longer a task may wait so that a loaded model is used again",
        "seconds, 0 or more",
        ge=0,
    )
    rescue_interval_seconds: float = setting(2.0, "how often lost tasks are looked for", SECONDS, gt=0)
    undo_seconds: float = setting(10.0, "how long a cancel can be taken back", SECONDS, gt=0)
    max_attempts: int = setting(3, "tries of a task whose worker was lost", "1 or more", ge=1)
    retry_backoff_seconds: float = setting(
        5.0, "wait before the second try; doubles with each", "seconds, 0 or more", ge=0
    )
    timeout_seconds: float = setting(86_400.0, "time limit of a task that names none", SECONDS, gt=0)
    events_keep_hours: float = setting(72.0, "how long events can be replayed, in hours", "hours above 0", gt=0)


class WorkerSettings(Table):
    gpus: Literal["all"] | list[Annotated[int, Field(ge=0)]] = setting(
        "all", "GPUs to use", '"all" or a list of indices like [0, 1]'
    )
    cpu_slots: Literal["auto"] | Annotated[int, Field(ge=0)] = setting(
        "auto", "tasks at a time on the CPU; auto: 1 without a GPU, else 0", '"auto" or a number from 0'
    )
    threads_per_slot: int = setting(0, "CPU threads of a task; 0: cores / slots", "0 or more", ge=0)
    max_models_per_device: int = setting(2, "models kept loaded on a device", "1 or more", ge=1)
    cancel_grace_seconds: float = setting(20.0, "how long a cancelled task may take to end", SECONDS, gt=0)
    start_timeout_seconds: float = setting(120.0, "how long an executor may take to start", SECONDS, gt=0)
    load_timeout_seconds: float = setting(600.0, "how long a model may take to load", SECONDS, gt=0)
    gpu_memory_wait_seconds: float = setting(
        30.0, "how long memory of a dead process is waited for on a GPU before it is an alert", SECONDS, gt=0
    )
    stop_grace_seconds: float = setting(15.0, "how long a stopping worker may take to end", SECONDS, gt=0)
    progress_interval_seconds: float = setting(0.5, "least time between two progress reports", SECONDS, gt=0)
    checkpoint_steps: int = setting(100, "steps of a simulation between two checkpoints", "1 or more", ge=1)
    checkpoint_seconds: float = setting(60.0, "longest time between two checkpoints", SECONDS, gt=0)
    server: str = setting(
        "",
        'server that files go to and come from; "": this box shares its storage.root',
        'an address like "http://mofsim.example.org:8321"',
        pattern=r"^(https?://[^\s/]+)?$",
    )
    server_key_file: str = setting(
        "", 'file with a key of scope worker for it; "": MOFSIM_API_KEY', "the path of a file"
    )
    server_ca_file: str = setting("", 'PEM file that its HTTPS is trusted by; "": those of the system', "a path")
    send_seconds: float = setting(30.0, "least time between two checkpoints that are sent to it", SECONDS, gt=0)


class ModelSettings(Table):
    framework: str = setting("sevenn", "what loads it", "the name of a framework", min_length=1)
    checkpoint: str = setting("", "file with the weights", "a path or package:NAME/path/in/it", min_length=1)
    d3: bool = setting(False, "add D3(BJ)-PBE dispersion; only if trained without", "true or false")
    dtype: Literal["float32", "float64"] = setting("float32", "precision", '"float32" or "float64"')
    python: str = setting(
        "", 'interpreter that has the model\'s packages; "" is its environment, else this one', "a path or name"
    )
    description: str = setting("", "a line for people", "text")
    licence: str = setting("", "licence of the weights", "text")
    elements: list[Element] = setting(
        [], "elements it was trained on; empty: unknown", 'a list of symbols like ["H", "C"]'
    )
    options: dict[str, Any] = setting({}, "passed to the framework as they are", "a table")


class LoggingSettings(Table):
    level: Annotated[LogLevel, Field(strict=False)] = setting(
        LogLevel.INFO, "least important message that is kept", ", ".join(f'"{level}"' for level in LogLevel)
    )
    format: Literal["auto", "json", "text"] = setting(
        "auto", "form of the log on stderr; auto: text on a terminal, else json", '"auto", "json" or "text"'
    )
    to_files: bool = setting(True, "keep the logs of all processes in storage.root/logs too", "true or false")
    max_file_MB: int = setting(20, "size at which a process begins a new log file, in MB", "1 or more", ge=1)


class WebhookSettings(Table):
    allow_private: bool = setting(False, "send also to private addresses and to this machine", "true or false")
    base_url: str = setting(
        "",
        'where receivers reach this server; "": result URLs are paths only',
        'an address like "https://mofsim.example.org"',
        pattern=r"^(https?://\S+[^\s/])?$",
    )
    timeout_seconds: float = setting(10.0, "how long a receiver may take to answer", SECONDS, gt=0)
    retry_delays_seconds: list[Annotated[float, Field(ge=0)]] = setting(
        [60.0, 300.0, 900.0, 3600.0],
        "waits before the second, third … try; then it is given up",
        "a list of seconds like [60, 300]",
    )
    progress_interval_seconds: float = setting(
        30.0, "least time between two progress events of a task", "seconds, 0 or more", ge=0
    )
    parallel: int = setting(8, "deliveries that are under way at a time", "1 or more", ge=1)
    keep_days: float = setting(
        30.0, "how long the history of deliveries is kept, in days; 0: as long as the task", DAYS, ge=0
    )


class ChannelSettings(Table):
    """One of [alerts.channels.NAME]: who is told of alerts."""

    kind: Literal["log", "file", "webhook", "apprise"] = "log"
    min_level: Annotated[AlertLevel, Field(strict=False)] = AlertLevel.INFO
    #: of a webhook, or of anything that apprise knows; it may hold a token, so it is never shown
    url: SecretStr = SecretStr("")
    #: key of the signature of a webhook
    secret: SecretStr = SecretStr("")
    #: of a file; a relative one starts at storage.root
    path: str = ""


class AlertSettings(Table):
    interval_seconds: float = setting(5.0, "how often the rules are looked at", SECONDS, gt=0)
    allow_private: bool = setting(False, "tell also private addresses and this machine", "true or false")
    timeout_seconds: float = setting(15.0, "how long a channel may take", SECONDS, gt=0)
    retry_delays_seconds: list[Annotated[float, Field(ge=0)]] = setting(
        [30.0, 120.0, 600.0, 3600.0],
        "waits before the second, third … try; then it is given up",
        "a list of seconds like [30, 120]",
    )
    keep_days: float = setting(90.0, "how long alerts that are over are kept, in days; 0: for ever", DAYS, ge=0)
    channels: dict[Annotated[str, Field(pattern=CHANNEL_NAME)], ChannelSettings] = setting(
        {"log": ChannelSettings()},
        "who is told of alerts",
        'tables [alerts.channels.NAME] with kind = "log", "file", "webhook" or "apprise", and their url or path',
    )


class SecuritySettings(Table):
    allow_remote: bool = setting(False, "listen for other machines", "true or false")
    require_keys: bool = setting(True, "do nothing for who has no key", "true or false")
    requests_per_minute: int = setting(6000, "requests that a key has, per minute; 0: no limit", PER_MINUTE, ge=0)
    submits_per_minute: int = setting(
        1200, "those of them that submit or upload something, per minute; 0: no limit", PER_MINUTE, ge=0
    )
    requests_without_key_per_minute: int = setting(
        600, "requests that an address has which sends no key, per minute; 0: no limit", PER_MINUTE, ge=0
    )
    audit_keep_days: float = setting(365.0, "how long it is kept who changed what, in days; 0: for good", DAYS, ge=0)
