"""Hold entries against the tables: what is wrong with a value, and what would be right."""

import difflib
import importlib.util
import ipaddress
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from mofsim.settings.model import Settings, as_toml
from mofsim.settings.plugins import frameworks
from mofsim.settings.sources import PREFIX, Entry, KeyPath, split_list
from mofsim.settings.tables import MODEL_NAME, ModelSettings, Table

#: what pydantic calls a mistake, in words
_PROBLEMS = {
    "bool": "is not true or false",
    "dict": "is not a table",
    "float": "is not a number",
    "greater": "is too small",
    "int": "is not a whole number",
    "less": "is too large",
    "list": "is not a list",
    "path": "is not a path",
    "string": "is not text",
    "string_pattern": "does not fit",
    "string_too": "is empty",
}

POSTGRESQL = ("postgresql://", "postgresql+psycopg://")
REDIS = ("redis://", "rediss://", "unix://")


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something in the settings that cannot be used."""

    where: str
    key: str
    problem: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.key, self.problem) if part)


def tables() -> dict[str, type[Table]]:
    """Table names and their models, `models` left out: its tables are named by their users."""
    return {
        name: field.annotation
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Table)
    }


def table_of(path: KeyPath) -> type[Table] | None:
    if path[0] == "models":
        return ModelSettings if len(path) == 3 else None
    return tables().get(path[0]) if len(path) == 2 else None


def known_variables(models: Iterable[str]) -> dict[str, KeyPath]:
    """The environment variable of every setting, e.g. MOFSIM_STORAGE__MAX_UPLOAD_MB."""
    paths: list[KeyPath] = [(name, key) for name, table in tables().items() for key in table.model_fields]
    paths += [("models", model, key) for model in models for key in ModelSettings.model_fields]
    return {PREFIX + "__".join(path).upper(): path for path in paths}


def read_value(entry: Entry) -> Any:
    """The entry's value in its setting's type, or the Mistake in it."""
    table = table_of(entry.path)
    if table is None:
        return _misplaced(entry)
    if entry.path[0] == "models" and not MODEL_NAME.fullmatch(entry.path[1]):
        return Mistake(entry.source.label, entry.key, "a model's name holds letters, digits, dots, - and _ only")
    if entry.path[:2] == ("models", "custom"):
        return Mistake(entry.source.label, entry.key, "`custom` is where uploaded models are; choose another name")
    key = entry.path[-1]
    field = table.model_fields.get(key)
    if field is None:
        return Mistake(entry.source.label, entry.key, f"there is no such setting; {_suggest_key(entry, table)}")
    try:
        return _parse(table, key, field, entry)
    except ValidationError as error:
        return Mistake(entry.source.label, entry.key, _explain(error, entry, field))


def _parse(table: type[Table], key: str, field: FieldInfo, entry: Entry) -> Any:
    if entry.source.variable is None or not isinstance(entry.value, str):
        return getattr(table.model_validate({key: entry.value}), key)
    kind = str(field.annotation)
    value: Any = entry.value
    if "dict[" in kind:
        value = _json_or_text(value)
    elif "list[" in kind and value not in ("all", "auto"):
        value = split_list(value)
    return getattr(table.model_validate({key: value}, strict=False), key)


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _explain(error: ValidationError, entry: Entry, field: FieldInfo) -> str:
    problems = {_problem(each["type"]) for each in error.errors()}
    problem = problems.pop() if len(problems) == 1 else "does not fit"
    extra = field.json_schema_extra
    want = extra["want"] if isinstance(extra, dict) else ""
    default = as_toml(field.get_default(call_default_factory=True))
    example = entry.source.example(entry.path[-1], default)
    sentence = f"{as_toml(_without_secrets(entry.value))} {problem}; write {want}"
    # An empty default would be an example of nothing.
    return sentence if default in ('""', "[]", "{}") else f"{sentence}, e.g. {example}"


def _without_secrets(value: Any) -> Any:
    """What is in tables within the value, as those of [alerts.channels.NAME], without addresses that hold tokens."""
    if not isinstance(value, dict):
        return value
    return {key: "***" if key in ("url", "secret") else _without_secrets(each) for key, each in value.items()}


def _problem(kind: str) -> str:
    words = [text for name, text in sorted(_PROBLEMS.items(), reverse=True) if kind.startswith(name)]
    return words[0] if words else "does not fit"


def _misplaced(entry: Entry) -> Mistake:
    first = entry.path[0]
    where = entry.source.label
    if first.startswith(PREFIX):
        right = _nearest(first, list(known_variables([])))
        return Mistake(where, "", f"there is no such setting; did you mean {right}?")
    names = [*tables(), "models", "profiles"]
    if first not in names:
        right = _nearest(first, names)
        guess = f"did you mean [{right}]?" if right else f"there are: {', '.join(names)}"
        return Mistake(where, entry.key, f"there is no table [{first}]; {guess}")
    if first == "models":
        return Mistake(where, entry.key, "models are tables: write [models.NAME] and its keys below")
    if len(entry.path) > 2:
        return Mistake(where, entry.key, f"there is no such setting; [{first}] holds no tables")
    return Mistake(where, entry.key, f"{first} is a table: write [{first}] and its keys below")


def _suggest_key(entry: Entry, table: type[Table]) -> str:
    key, prefix = entry.path[-1], entry.path[:-1]
    for name, other in tables().items():
        if key in other.model_fields:
            return f"did you mean {name}.{key}?"
    if right := _nearest(key, list(table.model_fields)):
        return f"did you mean {'.'.join((*prefix, right))}?"
    return f"[{'.'.join(prefix)}] has: {', '.join(table.model_fields)}"


def _nearest(word: str, words: list[str]) -> str | None:
    return next(iter(difflib.get_close_matches(word, words, n=1, cutoff=0.5)), None)


def contradictions(settings: Settings) -> Iterator[tuple[list[str], str]]:
    """Settings that are fine alone but not together: the keys involved, and what is wrong with the first."""
    scheduler = settings.scheduler
    if scheduler.heartbeat_seconds >= scheduler.lease_seconds / 3:
        yield (
            ["scheduler.heartbeat_seconds", "scheduler.lease_seconds"],
            f"{as_toml(scheduler.heartbeat_seconds)} is too long: a lease of "
            f"{as_toml(scheduler.lease_seconds)} seconds must be renewed at least three times; "
            f"write less than {as_toml(scheduler.lease_seconds / 3)}",
        )
    yield from _access(settings)
    yield from _servers(settings)
    yield from _elsewhere(settings)
    known = frameworks()
    for name, model in settings.models.items():
        # What another interpreter has installed only that one knows.
        if model.framework not in known and not model.python:
            yield (
                [f"models.{name}.framework"],
                f"{as_toml(model.framework)} is no framework; there are: {', '.join(known)}",
            )
        if not model.checkpoint:
            yield [f"models.{name}"], 'has no checkpoint; write e.g. checkpoint = "/data/my-model.pth"'
    for name, channel in settings.alerts.channels.items():
        wanted = {"file": "path", "webhook": "url", "apprise": "url"}.get(channel.kind)
        given = {"path": channel.path, "url": channel.url.get_secret_value()}
        if wanted and not given[wanted]:
            yield (
                ["alerts.channels"],
                f"the channel {name} has no {wanted}, which one of kind {as_toml(channel.kind)} needs",
            )
    if scheduler.default_model not in settings.models:
        yield (
            ["scheduler.default_model"],
            f'there is no model "{scheduler.default_model}"; there are: {", ".join(settings.models)}',
        )


#: What has to be installed for a server of that kind, and the name of it.
_NEEDS = {"postgresql": ("asyncpg", "psycopg"), "redis": ("redis",)}


def _servers(settings: Settings) -> Iterator[tuple[list[str], str]]:
    """What is no address of a database or of a queue."""
    if not settings.database_url.startswith(("sqlite:////", *POSTGRESQL)):
        yield (
            ["database.url"],
            f"{as_toml(settings.database.url)} does not fit; "
            'write "", sqlite:////folder/file (four slashes) or postgresql://user:password@host/name',
        )
    wanted = {"sqlite": (), "postgresql": POSTGRESQL, "redis": REDIS}[settings.queue.backend]
    if not wanted and settings.queue_url:
        yield ["queue.url"], f'{as_toml(settings.queue.url)} is of no use while queue.backend is "sqlite"; write ""'
    elif wanted and not settings.queue_url.startswith(wanted):
        example = {"postgresql": "postgresql://user:password@host/name", "redis": "redis://host:6379/0"}
        yield (
            ["queue.url", "queue.backend"],
            f"{as_toml(settings.queue.url)} does not fit queue.backend = {as_toml(settings.queue.backend)}; "
            f"write {example[settings.queue.backend]}",
        )
    database = "postgresql" if settings.database_url.startswith(POSTGRESQL) else "sqlite"
    for key, kind in (("database.url", database), ("queue.backend", settings.queue.backend)):
        if not all(importlib.util.find_spec(package) for package in _NEEDS.get(kind, ())):
            yield [key], f"{' and '.join(_NEEDS[kind])} are needed for it: pip install 'mofsim[{kind}]'"
            return


def _elsewhere(settings: Settings) -> Iterator[tuple[list[str], str]]:
    """A box that has its files by a server, and the rows nowhere but here."""
    if settings.worker.server and not settings.database.url.get_secret_value():
        yield (
            ["worker.server", "database.url"],
            "files go to another box, and rows to a file of this one; give database.url, which must be that of the "
            "server",
        )


def _access(settings: Settings) -> Iterator[tuple[list[str], str]]:
    server, security = settings.server, settings.security
    if not is_loopback(server.host) and not security.allow_remote:
        yield (
            ["server.host"],
            f'"{server.host}" lets other machines in. Keep 127.0.0.1 and use: '
            f"ssh -L {server.port}:127.0.0.1:{server.port} THIS-MACHINE. If they may come, each with a key of "
            "`mofsim keys create`, set security.allow_remote = true",
        )
    if security.allow_remote and not security.require_keys:
        yield (
            ["security.require_keys", "security.allow_remote"],
            "without keys all who reach the server could run and cancel anything; write require_keys = true, or "
            "allow_remote = false",
        )
    if bool(server.tls_cert) != bool(server.tls_key):
        given, missing = ("tls_cert", "tls_key") if server.tls_cert else ("tls_key", "tls_cert")
        yield [f"server.{given}"], f"HTTPS takes a certificate and its key; give server.{missing} too"
    for proxy in server.trusted_proxies:
        if not _is_network(proxy):
            yield ["server.trusted_proxies"], f'"{proxy}" is no address; write e.g. ["127.0.0.1", "10.0.0.0/8"]'


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
        return True
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
