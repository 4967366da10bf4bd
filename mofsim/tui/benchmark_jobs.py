"""What the console asks of the server about benchmarks: each job ends in a message, also when it fails."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mofsim.tui import benchmark_messages, format, messages
from mofsim.tui.jobs import Post, _quietly
from mofsim.vocabulary import ReportFormat

if TYPE_CHECKING:
    from mofsim.client import AsyncClient
    from mofsim.schemas.benchmarks import Benchmark, BenchmarkChanged

#: Benchmarks that are listed.
NEWEST = 200


async def benchmarks(client: AsyncClient, post: Post) -> None:
    found = await _quietly(client.benchmarks(NEWEST))
    if found is not None:
        post(benchmark_messages.BenchmarksCame(found.items))


async def progress(client: AsyncClient, benchmark_id: int, post: Post) -> None:
    found = await _quietly(client.benchmark_progress(benchmark_id))
    if found is not None:
        post(benchmark_messages.ProgressCame(found))


async def matrix(client: AsyncClient, benchmark_id: int, post: Post) -> None:
    from mofsim.client import ClientError, NotFound

    try:
        post(benchmark_messages.MatrixCame(await client.benchmark(benchmark_id)))
    except NotFound as error:
        post(messages.Said(error.detail, "error"))
    except ClientError:
        return


async def retry(client: AsyncClient, benchmark_id: int, failed: bool, tell: Post, post: Post) -> None:
    """`tell` is the screen's, `post` the app's."""
    await _change(client.retry_benchmark(benchmark_id, failed=failed), tell, post)


async def cancel(client: AsyncClient, benchmark_id: int, tell: Post, post: Post) -> None:
    await _change(client.cancel_benchmark(benchmark_id), tell, post)


async def add_model(client: AsyncClient, benchmark_id: int, model: str, tell: Post, post: Post) -> None:
    await _change(client.add_benchmark_models(benchmark_id, [model]), tell, post)


async def models_to_add(client: AsyncClient, benchmark: Benchmark, post: Post) -> None:
    from mofsim.client import ClientError

    try:
        found = await client.models()
    except ClientError as error:
        post(messages.Said(str(error), "error"))
        return
    usable = [model for model in found if model.is_validated and model.name not in benchmark.models]
    post(benchmark_messages.ModelsToAdd(benchmark, usable))


async def to_choose(client: AsyncClient, post: Post) -> None:
    models, sets = await _quietly(client.models()), await _quietly(client.structure_sets())
    if models is not None:
        post(benchmark_messages.BenchmarkStockCame(models, sets or ()))


async def plan(client: AsyncClient, asked: Mapping[str, Any], post: Post) -> None:
    """Says nothing where the server does not answer; the feed sees that too."""
    from mofsim.client import ApiError, ClientError

    try:
        post(benchmark_messages.PlanCame(asked, await client.estimate_benchmark(**asked)))
    except ApiError as error:
        post(benchmark_messages.PlanCame(asked, None, error.detail))
    except ClientError:
        return


async def begin(client: AsyncClient, asked: Mapping[str, Any], post: Post) -> None:
    from mofsim.client import ApiError, ClientError

    try:
        changed = await client.start_benchmark(**asked)
    except ApiError as error:
        post(benchmark_messages.BenchmarkRefused(error.detail))
    except ClientError as error:
        post(benchmark_messages.BenchmarkRefused(str(error)))
    else:
        post(benchmark_messages.BenchmarkBegun(changed))


async def _change(asked: Awaitable[BenchmarkChanged], tell: Post, post: Post) -> None:
    from mofsim.client import ClientError

    try:
        changed = await asked
    except ClientError as error:
        post(messages.Said(str(error), "error"))
        return
    post(messages.Said(words(changed), "warning" if changed.left_out else "information"))
    tell(benchmark_messages.BenchmarkMoved())


def words(changed: BenchmarkChanged) -> str:
    told = {
        "new tasks": changed.n_submitted,
        "of them with a result that is there": changed.n_reused,
        "tasks wait again": changed.n_retried,
        "tasks end, or are asked to": changed.n_cancelled,
    }
    parts = [f"{format.grouped(n)} {what}" for what, n in told.items() if n] or ["nothing changed"]
    gone = f"; models that can not be used any more: {', '.join(changed.left_out)}" if changed.left_out else ""
    return f"{changed.benchmark.name}: {', '.join(parts)}{gone}"


async def save_report(client: AsyncClient, benchmark_id: int, form: ReportFormat, path: Path, post: Post) -> None:
    from mofsim.client import ClientError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        saved = await client.save_benchmark_report(benchmark_id, path, form)
    except OSError as error:
        post(messages.Said(f"cannot be written: {error.strerror or error} ({path})", "error"))
    except ClientError as error:
        post(messages.Said(str(error), "error"))
    else:
        post(messages.Said(f"the report is in {saved} ({format.size(saved.stat().st_size)})"))
