"""The blocking client."""

import time
from collections.abc import Callable, Generator
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Self, TypeVar

from mofsim.client import address, requests
from mofsim.client.access import Access
from mofsim.client.errors import ClientError, ServerUnreachable, Unavailable
from mofsim.client.following import (
    OnBytes,
    Place,
    event_stream,
    find_file,
    log_stream,
    read_event,
    read_line,
    read_system_line,
    system_log_stream,
    updated,
)
from mofsim.client.methods import like
from mofsim.client.pictures import Picture
from mofsim.client.request import API, TIMEOUT_SECONDS, Request, Stream
from mofsim.client.saving import report_suffix, saved, target
from mofsim.client.sse import SseParser
from mofsim.schemas.events import Event
from mofsim.schemas.logs import SystemLogLine
from mofsim.schemas.tasks import LogLine, Task
from mofsim.settings import Settings
from mofsim.vocabulary import LogLevel, ReportFormat, StructureFile

if TYPE_CHECKING:
    from mofsim.client.line import Line

P = ParamSpec("P")
T = TypeVar("T")


def _method(build: Callable[P, Request[T]]) -> "Callable[Concatenate[Client, P], T]":
    def call(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.send(build(*args, **kwargs))

    return like(build, call)


class Client:
    """A mofsim server, for programs and notebooks. Methods raise ClientError; several threads may share one.

    Without `url` the server is that of the `settings` (without these, of those that are found). Without `api_key`
    MOFSIM_API_KEY is taken, else the key that this account has for a server of its own on this machine. `ca_file`
    (MOFSIM_CA_FILE) is whom to trust for HTTPS. `timeout_seconds` is how long an answer may take.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        ca_file: Path | str | None = None,
        settings: Settings | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self.url = address.server_url(url, settings)
        self._access = Access(self.url, api_key, ca_file, settings)
        self._timeout_seconds = timeout_seconds

    @cached_property
    def _line(self) -> "Line":
        # httpx takes 0.1 s to import, which `mofsim --help` need not pay.
        from mofsim.client.line import Line

        return Line(self._access, self._timeout_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def close(self) -> None:
        self._line.close()

    def send(self, request: Request[T]) -> T:
        return self._line.send(request)

    health = _method(requests.health)
    tasks = _method(requests.tasks)
    task = _method(requests.task)
    submit = _method(requests.submit)
    estimate = _method(requests.estimate)
    submit_batch = _method(requests.submit_batch)
    submit_product = _method(requests.submit_product)
    batches = _method(requests.batches)
    batch = _method(requests.batch)
    cancel_batch = _method(requests.cancel_batch)
    retry_batch = _method(requests.retry_batch)
    batch_results = _method(requests.batch_results)
    start_benchmark = _method(requests.start_benchmark)
    estimate_benchmark = _method(requests.estimate_benchmark)
    benchmarks = _method(requests.benchmarks)
    benchmark = _method(requests.benchmark)
    benchmark_progress = _method(requests.benchmark_progress)
    add_benchmark_models = _method(requests.add_benchmark_models)
    retry_benchmark = _method(requests.retry_benchmark)
    cancel_benchmark = _method(requests.cancel_benchmark)
    delete_benchmark = _method(requests.delete_benchmark)
    benchmark_results = _method(requests.benchmark_results)
    benchmark_scores = _method(requests.benchmark_scores)
    benchmark_structure = _method(requests.benchmark_structure)
    cancel = _method(requests.cancel)
    retry = _method(requests.retry)
    undo_cancel = _method(requests.undo_cancel)
    hold = _method(requests.hold)
    release = _method(requests.release)
    detach = _method(requests.detach)
    set_priority = _method(requests.set_priority)
    delete = _method(requests.delete)
    result = _method(requests.result)
    series = _method(requests.series)
    task_geometry = _method(requests.task_geometry)
    logs = _method(requests.logs)
    system_logs = _method(requests.system_logs)
    attempts = _method(requests.attempts)
    task_events = _method(requests.task_events)
    files = _method(requests.files)
    deliveries = _method(requests.deliveries)
    redeliver = _method(requests.redeliver)
    explain = _method(requests.explain)
    structures = _method(requests.structures)
    structure = _method(requests.structure)
    structure_geometry = _method(requests.structure_geometry)
    structure_sets = _method(requests.structure_sets)
    save_structure_set = _method(requests.save_structure_set)
    delete_structure_set = _method(requests.delete_structure_set)
    add_structure = _method(requests.add_structure)
    delete_structure = _method(requests.delete_structure)
    models = _method(requests.models)
    model = _method(requests.model)
    load_model = _method(requests.load_model)
    unload_model = _method(requests.unload_model)
    custom_models = _method(requests.custom_models)
    add_model = _method(requests.add_model)
    validate_model = _method(requests.validate_model)
    delete_model = _method(requests.delete_model)
    queue = _method(requests.queue)
    stats = _method(requests.stats)
    workers = _method(requests.workers)
    drain_worker = _method(requests.drain_worker)
    resume_worker = _method(requests.resume_worker)
    gpus = _method(requests.gpus)
    gpu_history = _method(requests.gpu_history)
    hosts = _method(requests.hosts)
    host_history = _method(requests.host_history)
    overview = _method(requests.overview)
    alerts = _method(requests.alerts)
    alert_history = _method(requests.alert_history)
    api_keys = _method(requests.api_keys)
    create_key = _method(requests.create_key)
    revoke_key = _method(requests.revoke_key)
    audit = _method(requests.audit)
    alert = _method(requests.alert)
    alert_notifications = _method(requests.alert_notifications)
    acknowledge_alert = _method(requests.acknowledge_alert)
    resolve_alert = _method(requests.resolve_alert)
    silence_alert = _method(requests.silence_alert)
    test_alert_channel = _method(requests.test_alert_channel)
    alert_kinds = _method(requests.alert_kinds)
    alert_rules = _method(requests.alert_rules)
    alert_rule = _method(requests.alert_rule)
    create_alert_rule = _method(requests.create_alert_rule)
    change_alert_rule = _method(requests.change_alert_rule)
    delete_alert_rule = _method(requests.delete_alert_rule)
    reset_alert_rule = _method(requests.reset_alert_rule)
    silence_alert_rule = _method(requests.silence_alert_rule)

    def download(self, id: int, name: str, destination: Path | str, *, on_progress: OnBytes | None = None) -> Path:
        """Save an output file of a task as `destination`, or into it when it is a folder; the file's path.

        One that was compressed since is unpacked, unless it is named with its .gz: the bytes that `on_progress` is
        told of may then be more than it was told to expect.
        """
        url = find_file(self.result(id), name)
        sizes = {file.url: file.size_bytes for file in self.files(id)} if on_progress else {}
        return self._save(Stream(url), target(destination, name), on_progress, sizes.get(url, 0))

    def pictures(self, id: int) -> list[Picture]:
        """The plots of a task; in a notebook, the last value of a cell is drawn."""
        names = [name for name in (self.result(id)).output_files if name.endswith(".png")]
        return [Picture(name, self._content(Stream(find_file(self.result(id), name)))) for name in names]

    def _content(self, stream: Stream) -> bytes:
        return b"".join([piece for piece in self._line.stream(stream)])

    def structure_file(
        self, id: int, destination: Path | str, form: StructureFile | str = StructureFile.UPLOADED
    ) -> Path:
        """Save the file of a structure: as it was uploaded, as simulations read it (extXYZ), or as a CIF in P 1."""
        name = self.structure(id).original_name
        if form != StructureFile.UPLOADED:
            name = f"{Path(name).stem}.{'cif' if form == StructureFile.CIF else 'extxyz'}"
        return self._save(Stream(f"{API}/structures/{id}/file", {"form": str(form)}), target(destination, name))

    def save_batch_results(self, id: int, destination: Path | str) -> Path:
        """Save the results of a batch as CSV, a row for each task."""
        stream = Stream(f"{API}/batches/{id}/results", {"format": "csv"})
        return self._save(stream, target(destination, f"batch-{id}.csv"))

    def save_benchmark_report(
        self, id: int, destination: Path | str, form: ReportFormat | str = ReportFormat.HTML
    ) -> Path:
        """Save the report of a benchmark: as a page, as text, or as CSV with a line for each score, or each task."""
        if form == ReportFormat.JSON:
            raise ValueError("the JSON of a report is what benchmark_scores gives; write its model_dump_json()")
        stream = Stream(f"{API}/benchmarks/{id}/report", {"format": str(form)})
        return self._save(stream, target(destination, f"benchmark-{id}.{report_suffix(form)}"))

    def _save(self, stream: Stream, path: Path, on_progress: OnBytes | None = None, total: int = 0) -> Path:
        done = 0
        with saved(path) as file:
            for piece in self._line.stream(stream):
                file.write(piece)
                done += len(piece)
                if on_progress:
                    on_progress(done, total)
        return path

    def events(
        self,
        last_event_id: int | None = None,
        task: int | None = None,
        *,
        on_open: Callable[[], None] | None = None,
    ) -> Generator[Event]:
        """Events as they happen, those of one `task` or all, after `last_event_id` or from now on.

        It is one connection, which `on_open` is told of. Raises ServerUnreachable when it ends.
        """
        parser = SseParser()
        with closing(self._line.stream(event_stream(last_event_id, task))) as pieces:
            for piece in pieces:
                if not piece and on_open:
                    on_open()
                for message in parser.feed(piece):
                    yield read_event(message)
        raise ServerUnreachable(self.url, "it ended the stream of events")

    def follow(
        self,
        last_event_id: int | None = None,
        task: int | None = None,
        *,
        on_open: Callable[[], None] | None = None,
        on_lost: Callable[[ClientError], None] | None = None,
    ) -> Generator[Event]:
        """`events` without an end: connects again when the line breaks (`on_lost`), and misses none."""
        place = Place(last_event_id)
        while True:
            try:
                if place.last_event_id is None:
                    place.last_event_id = self.health().last_event_id
                with closing(self.events(place.last_event_id, task, on_open=on_open)) as events:
                    for event in events:
                        place.passed(event)
                        yield event
            except (ServerUnreachable, Unavailable) as error:
                if on_lost:
                    on_lost(error)
                time.sleep(place.pause())

    def follow_logs(
        self, id: int, after: int = 0, *, on_lost: Callable[[ClientError], None] | None = None
    ) -> Generator[LogLine]:
        """The log of a task after line `after` until it has ended; connects again when the line breaks."""
        place = Place(after)
        while True:
            parser = SseParser()
            try:
                with closing(self._line.stream(log_stream(id, place.last_event_id or 0))) as pieces:
                    for piece in pieces:
                        for message in parser.feed(piece):
                            line = read_line(message)
                            if line is None:
                                return
                            place.passed(line)
                            yield line
            except (ServerUnreachable, Unavailable) as error:
                if on_lost:
                    on_lost(error)
            time.sleep(place.pause())

    def system_log_lines(
        self,
        level: LogLevel | str = "",
        text: str = "",
        logger: str = "",
        process: str = "",
        task: int | None = None,
        *,
        on_open: Callable[[], None] | None = None,
    ) -> Generator[SystemLogLine]:
        """Lines of the logs of mofsim's processes that fit all of these, as they are written from now on.

        It is one connection, which `on_open` is told of. Raises ServerUnreachable when it ends; `system_logs` with
        `since` has what is missed until the next one.
        """
        parser = SseParser()
        stream = system_log_stream(level, text, logger, process, task)
        with closing(self._line.stream(stream)) as pieces:
            for piece in pieces:
                if not piece and on_open:
                    on_open()
                for message in parser.feed(piece):
                    yield read_system_line(message)
        raise ServerUnreachable(self.url, "it ended the stream of log lines")

    def wait(
        self,
        id: int,
        on_progress: Callable[[Task], None] | None = None,
        *,
        on_lost: Callable[[ClientError], None] | None = None,
    ) -> Task:
        """The task when it has ended, however it did; `on_progress` gets it after each change."""
        # Asked before the task, so that no event falls between the two …
        start = self.health().last_event_id
        task = self.task(id)
        # … and after it: the task may be further than the events until then.
        known = self.health().last_event_id
        with closing(self.follow(start, id, on_lost=on_lost)) as events:
            while True:
                if on_progress:
                    on_progress(task)
                if task.status.is_final:
                    return task
                event = next(events)
                task = (updated(task, event) if event.id > known else None) or self.task(id)
