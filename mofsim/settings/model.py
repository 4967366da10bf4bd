"""The whole of the settings, with the places that follow from them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, SecretStr

from mofsim.models_builtin import BUILTIN_MODELS
from mofsim.settings.tables import (
    AlertSettings,
    DatabaseSettings,
    LoggingSettings,
    ModelSettings,
    QueueSettings,
    SchedulerSettings,
    SecuritySettings,
    ServerSettings,
    StorageSettings,
    Table,
    WebhookSettings,
    WorkerSettings,
)


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One key as people see it: `value` is written as in TOML, with secrets hidden."""

    key: str
    value: str
    source: str


def _builtin_models() -> dict[str, ModelSettings]:
    return {name: ModelSettings.model_validate(table) for name, table in BUILTIN_MODELS.items()}


class Settings(Table):
    """Everything that can be set. `Settings()` holds the defaults; `load_settings` reads the sources."""

    server: ServerSettings = ServerSettings()
    database: DatabaseSettings = DatabaseSettings()
    queue: QueueSettings = QueueSettings()
    storage: StorageSettings = Field(default_factory=StorageSettings)
    scheduler: SchedulerSettings = SchedulerSettings()
    worker: WorkerSettings = WorkerSettings()
    models: dict[str, ModelSettings] = Field(default_factory=_builtin_models)
    logging: LoggingSettings = LoggingSettings()
    webhooks: WebhookSettings = WebhookSettings()
    alerts: AlertSettings = AlertSettings()
    security: SecuritySettings = SecuritySettings()

    _profile: str = PrivateAttr("dev")
    _file: Path | None = PrivateAttr(None)
    _sources: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def profile(self) -> str:
        """The profile that was laid over the settings."""
        return self._profile

    @property
    def file(self) -> Path | None:
        """The settings.toml that was read; None when there is none."""
        return self._file

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL. It may hold a password: never log it."""
        return self.database.url.get_secret_value() or f"sqlite:///{self.storage.root / 'mofsim.db'}"

    @property
    def queue_path(self) -> Path:
        return self.storage.root / "queue.db"

    @property
    def queue_url(self) -> str:
        """URL of the server that has the tickets. It may hold a password: never log it."""
        url = self.queue.url.get_secret_value()
        return url or (self.database_url if self.queue.backend == "postgresql" else "")

    @property
    def structures_dir(self) -> Path:
        return self.storage.root / "structures"

    @property
    def results_dir(self) -> Path:
        return self.storage.root / "results"

    @property
    def run_dir(self) -> Path:
        """Locks of device slots and other files that mean something only while mofsim runs."""
        return self.storage.root / "run"

    @property
    def logs_dir(self) -> Path:
        return self.storage.root / "logs"

    @property
    def server_url(self) -> str:
        """Where a client on this machine finds the server."""
        scheme = "https" if self.server.tls_cert else "http"
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.server.host, self.server.host)
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.server.port}"

    def describe(self) -> list[SettingLine]:
        """Every key with its value and where that came from, for people."""
        lines = []
        for table in type(self).model_fields:
            value = getattr(self, table)
            tables = {f"models.{name}": each for name, each in value.items()} if table == "models" else {table: value}
            for prefix, each in tables.items():
                lines += [self._line(f"{prefix}.{key}", getattr(each, key)) for key in type(each).model_fields]
        return lines

    def _line(self, key: str, value: object) -> SettingLine:
        return SettingLine(key, as_toml(value), self._sources.get(key, "default"))


def as_toml(value: Any) -> str:
    """A value as it is written in settings.toml; of a secret URL only what is not secret."""
    if isinstance(value, SecretStr):
        return as_toml(_without_password(value.get_secret_value()))
    if isinstance(value, Table):
        # Of a table within one; the addresses of channels hold tokens anywhere.
        keys = {name: getattr(value, name) for name in type(value).model_fields}
        said = {name: "***" if isinstance(each, SecretStr) else each for name, each in keys.items() if each}
        return as_toml(said)
    if isinstance(value, list):
        return f"[{', '.join(as_toml(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {as_toml(item)}' for key, item in value.items())} }}" if value else "{}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False)


def _without_password(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    login, at, place = rest.rpartition("@")
    user, colon, _ = login.partition(":")
    hidden = f"{user}:***" if colon else user
    return f"{scheme}{separator}{hidden}{at}{place.partition('?')[0]}"
