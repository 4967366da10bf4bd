"""What the console asks of the server: each job is a coroutine that ends in a message, also when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from textual.message import Message
from textual.worker import WorkType

from mofsim.tui import many_messages, messages
from mofsim.vocabulary import Priority, TaskType

if TYPE_CHECKING:
    from mofsim.client import AsyncClient
    from mofsim.schemas.alerts import AlertRule
    from mofsim.schemas.resources import Alert
    from mofsim.schemas.tasks import Task
    from mofsim.tui.form import Question
    from mofsim.tui.query import Query
    from mofsim.tui.window import Fetch


class Identified(Protocol):
    @property
    def id(self) -> int | str: ...


T = TypeVar("T")
N = TypeVar("N", bound=Identified)
Post = Callable[[Message], object]
Job = Callable[..., Coroutine[Any, Any, None]]

#: Lines of a log that are read at once; larger pages leave more holes in memory when they are put away.
LOG_PAGE = 500
#: Rows that "select all" reads at a time, and the most pages of them: as many tasks as a batch can have.
SELECT_PAGE, SELECT_PAGES = 500, 20
#: Of a change to many things: so many questions at a time, so many a second, and how often it is told how far it is.
LINES, PER_SECOND, TELL_EVERY = 4, 50.0, 0.5
#: With so many things or fewer all are asked for at once.
AT_ONCE = 50
#: Alerts that are read, those that are over too.
ALERT_HISTORY = 500
#: Points of each curve in a comparison.
COMPARED_POINTS = 300
#: Changes of a task that are read, with who made them.
AUDIT_LINES = 200


def bound(job: Job, *arguments: Any) -> WorkType[None]:
    """A job with its arguments, as a worker takes it: not a coroutine yet, which one that never starts would leave."""
    return partial(job, *arguments)


async def page(client: AsyncClient, fetch: Fetch, post: Post) -> None:
    from mofsim.client import ClientError

    try:
        post(messages.PageCame(fetch, await client.tasks(**fetch.arguments)))
    except ClientError as error:
        post(messages.PageFailed(fetch, str(error)))


async def select_all(client: AsyncClient, query: Query, post: Post) -> None:
    """All tasks of a list, loaded or not, up to a number that a person can mean."""
    found: list[Task] = []
    shared: dict[str, Any] = {}
    cursor = None
    for _ in range(SELECT_PAGES):
        answer = await _quietly(client.tasks(**query.arguments(), limit=SELECT_PAGE, cursor=cursor))
        if answer is None:
            post(messages.SelectionCame((), more=False))
            return
        found += [_slim(task, shared) for task in answer.items if query.matches(task)]
        cursor = answer.next_cursor
        if cursor is None:
            break
        post(messages.Selecting(len(found), answer.total if query.exact else None))
    post(messages.SelectionCame(found, more=cursor is not None))


def _slim(task: Task, shared: dict[str, Any]) -> Task:
    """With the parts that it has in common with others kept once: ten thousand tasks are to fit into memory."""
    parts = {
        name: shared.setdefault(f"{name} {value!r}", value)
        for name in ("structure", "parameters", "progress")
        if (value := getattr(task, name)) is not None
    }
    return task.model_copy(update=parts)


async def task(client: AsyncClient, task_id: int, post: Post) -> None:
    found = await _quietly(client.task(task_id))
    if found is not None:
        post(messages.TaskCame(found))


async def open_task(client: AsyncClient, task_id: int, post: Post) -> None:
    from mofsim.client import ClientError

    try:
        post(messages.OpenTask(await client.task(task_id)))
    except ClientError as error:
        post(messages.Said(str(error), "error"))


async def count(client: AsyncClient, post: Post) -> None:
    queue = await _quietly(client.queue())
    if queue is not None:
        post(messages.Counted(queue))


async def active_alerts(client: AsyncClient, post: Post) -> None:
    alerts = await _quietly(client.alerts())
    if alerts is not None:
        post(messages.ActiveAlertsCame(alerts))


async def alert_history(client: AsyncClient, post: Post) -> None:
    alerts = await _quietly(client.alert_history(ALERT_HISTORY))
    if alerts is not None:
        post(messages.AlertsCame(alerts))


async def alert_rules(client: AsyncClient, post: Post) -> None:
    rules = await _quietly(client.alert_rules())
    if rules is not None:
        post(messages.RulesCame(rules))


async def alert(client: AsyncClient, alert_id: int, post: Post) -> None:
    """One alert, whose numbers no event tells, and what channels were told of it."""
    found, told = await _quietly(client.alert(alert_id)), await _quietly(client.alert_notifications(alert_id))
    if found is not None and told is not None:
        post(messages.AlertCame(found, told))


async def acknowledge(client: AsyncClient, alerts: Sequence[Alert], post: Post) -> None:
    await _each(alerts, lambda alert: client.acknowledge_alert(alert.id), "acknowledged", post, "alert")


async def resolve(client: AsyncClient, alerts: Sequence[Alert], post: Post) -> None:
    await _each(alerts, lambda alert: client.resolve_alert(alert.id), "resolved", post, "alert")


async def silence(client: AsyncClient, alerts: Sequence[Alert], seconds: float, words: str, post: Post) -> None:
    await _each(alerts, lambda alert: client.silence_alert(alert.id, seconds), words, post, "alert")


async def silence_rule(client: AsyncClient, rule: AlertRule, seconds: float, words: str, post: Post) -> None:
    await _each([rule], lambda rule: client.silence_alert_rule(rule.id, seconds), words, post, "rule")


async def switch_rule(client: AsyncClient, rule: AlertRule, on: bool, post: Post) -> None:
    words = f"switched {'on' if on else 'off'}"
    await _each([rule], lambda rule: client.change_alert_rule(rule.id, enabled=on), words, post, "rule")


async def explain(client: AsyncClient, task_id: int, post: Post) -> None:
    explanation = await _quietly(client.explain(task_id))
    if explanation is not None:
        post(messages.Explained(task_id, explanation))


async def series(client: AsyncClient, task_id: int, points: int, post: Post) -> None:
    columns = await _quietly(client.series(task_id, points))
    if columns is not None:
        post(messages.SeriesCame(task_id, columns))


async def log_newest(client: AsyncClient, task_id: int, post: Post) -> None:
    lines = await _quietly(client.logs(task_id, limit=LOG_PAGE, newest=True))
    if lines is not None:
        post(messages.LogCame(task_id, lines, from_start=len(lines) < LOG_PAGE))


async def log_after(client: AsyncClient, task_id: int, last: int, post: Post) -> None:
    """All lines that follow line `last`."""
    while lines := await _quietly(client.logs(task_id, after=last, limit=LOG_PAGE)):
        post(messages.LogCame(task_id, lines))
        last = lines[-1].id
        if len(lines) < LOG_PAGE:
            break


async def log_before(client: AsyncClient, task_id: int, first: int, post: Post) -> None:
    """All lines from the start of the log up to line `first`, which is known, page by page."""
    last = 0
    while lines := await _quietly(client.logs(task_id, after=last, limit=LOG_PAGE)):
        last = lines[-1].id
        done = last >= first or len(lines) < LOG_PAGE
        post(messages.LogCame(task_id, [line for line in lines if line.id < first], earlier=True, from_start=done))
        if done:
            break


async def result(client: AsyncClient, task_id: int, post: Post) -> None:
    found = await _quietly(client.result(task_id))
    files = await _quietly(client.files(task_id))
    post(messages.ResultCame(task_id, found, files or ()))


async def outcome(client: AsyncClient, task_id: int, post: Post) -> None:
    """Nothing where there is no result: the task itself tells what is to be told then."""
    found = await _quietly(client.result(task_id))
    if found is not None:
        post(messages.OutcomeCame(found))


async def batch(client: AsyncClient, id: int, post: Post) -> None:
    """Nothing where there is none, or no server."""
    found = await _quietly(client.batch(id))
    if found is not None:
        post(many_messages.BatchCame(found))


async def past(client: AsyncClient, task_id: int, post: Post) -> None:
    """What only admins are told is left out for others."""
    from mofsim.tui.history import Past

    attempts = await _quietly(client.attempts(task_id))
    if attempts is None:
        return
    events, told = await _quietly(client.task_events(task_id)), await _quietly(client.deliveries(task_id))
    lines = await _quietly(client.audit(subject=f"tasks/{task_id}", limit=AUDIT_LINES))
    post(messages.PastCame(task_id, Past(attempts, events, told, lines.items if lines else None)))


async def inputs(client: AsyncClient, task: Task, post: Post) -> None:
    structure, model = await _quietly(client.structure(task.structure.id)), await _quietly(client.model(task.model))
    post(messages.InputsCame(task.id, structure, model, await _quietly(client.deliveries(task.id))))


async def compare(client: AsyncClient, tasks: Sequence[Task], post: Post) -> None:
    results, curves = {}, {}
    for task in tasks:
        results[task.id] = await _quietly(client.result(task.id)) if task.status.is_final else None
        curves[task.id] = await _quietly(client.series(task.id, COMPARED_POINTS))
    post(messages.CompareCame(results, curves))


async def choices(client: AsyncClient, post: Post) -> None:
    structures, models = await _quietly(client.structures()), await _quietly(client.models())
    post(messages.ChoicesCame(structures or (), models or ()))


async def cancel(client: AsyncClient, tasks: Sequence[Task], post: Post) -> None:
    running = any(task.status.is_active for task in tasks)
    done = "asked to stop after the current step" if running else "cancelled"
    await _each(tasks, lambda task: client.cancel(task.id), f"{done}; z takes that back for a few seconds", post)


async def undo_cancel(client: AsyncClient, tasks: Sequence[Task], post: Post) -> None:
    await _each(tasks, lambda task: client.undo_cancel(task.id), "no longer cancelled", post)


async def retry(client: AsyncClient, tasks: Sequence[Task], post: Post) -> None:
    await _each(tasks, lambda task: client.retry(task.id), "queued again", post)


async def hold(client: AsyncClient, tasks: Sequence[Task], post: Post) -> None:
    await _each(tasks, lambda task: client.hold(task.id), "held; h again lets it go on", post)


async def release(client: AsyncClient, tasks: Sequence[Task], post: Post) -> None:
    await _each(tasks, lambda task: client.release(task.id), "no longer held", post)


async def set_priority(client: AsyncClient, wanted: Sequence[tuple[Task, Priority]], post: Post) -> None:
    to = dict((task.id, priority) for task, priority in wanted)
    tasks = [task for task, _ in wanted]
    words = {priority.name for priority in to.values()}
    await _each(tasks, lambda task: client.set_priority(task.id, to[task.id]), f"now {'/'.join(words)}", post)


async def estimate(client: AsyncClient, question: Question, post: Post) -> None:
    """Says nothing where the server does not answer; the feed sees that too."""
    from mofsim.client import ClientError, Invalid

    try:
        found = await client.estimate(question.task_type, question.structure, **question.options)
        post(messages.Estimated(question, found))
    except Invalid as error:
        post(messages.Estimated(question, None, error.detail))
    except ClientError:
        return


async def submit(
    client: AsyncClient,
    task_type: TaskType,
    structure: str | int,
    file: str | None,
    options: dict[str, Any],
    post: Post,
) -> None:
    """Upload `file` first, when there is one; it then is the structure."""
    from mofsim.client import ApiError, ClientError

    try:
        chosen = (await client.add_structure(file)).id if file else structure
    except OSError as error:
        post(messages.SubmitRefused(f"cannot be read: {error.strerror or error}", "structure"))
        return
    except ClientError as error:
        post(messages.SubmitRefused(str(error), "structure" if isinstance(error, ApiError) else None))
        return
    try:
        post(messages.Submitted(await client.submit(task_type, chosen, **options)))
    except ApiError as error:
        post(messages.SubmitRefused(error.detail, error.field))
    except ClientError as error:
        post(messages.SubmitRefused(str(error), None))


async def _each(
    things: Sequence[N], ask: Callable[[N], Awaitable[object]], done: str, post: Post, what: str = "task"
) -> None:
    """A few at a time and, of many, so many a second, so that a long selection does not crowd out others.

    A refusal stops none of the rest. Of many it is told meanwhile how far it is.
    """
    from mofsim.client import ClientError

    refused = []
    begun = told_at = monotonic()
    waiting, n_done, is_long = iter(things), 0, len(things) > AT_ONCE

    async def line() -> None:
        nonlocal n_done, told_at
        for thing in waiting:
            try:
                await ask(thing)
            except ClientError as error:
                refused.append(str(error))
            n_done += 1
            if is_long and monotonic() - told_at > TELL_EVERY:
                told_at = monotonic()
                post(messages.Working(n_done, len(things), f"{what}s {done.partition(';')[0]}"))
            if is_long:
                await asyncio.sleep(max(0.0, begun + n_done / PER_SECOND - monotonic()))

    await asyncio.gather(*(line() for _ in range(min(LINES, len(things)))))
    if is_long:
        post(messages.Working(len(things), len(things), ""))
    fine = len(things) - len(refused)
    named = f"{what} {getattr(things[0], 'name', things[0].id)}" if len(things) == 1 else f"{fine} {what}s"
    if fine:
        post(messages.Said(f"{named} {done}"))
    if refused:
        more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        post(messages.Said(f"{refused[0]}{more}", "error"))


async def _quietly(asked: Awaitable[T]) -> T | None:
    """None where the server does not answer: the feed sees that too, and says so once for all."""
    from mofsim.client import ClientError

    try:
        return await asked
    except ClientError:
        return None
