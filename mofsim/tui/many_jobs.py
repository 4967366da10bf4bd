"""What the console asks of the server about many tasks at once: each job ends in a message, also when it fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mofsim.tui import many_messages
from mofsim.tui.jobs import Post, _quietly
from mofsim.tui.many import Needs, Product, Sample, batch_items

if TYPE_CHECKING:
    from mofsim.client import AsyncClient


async def stock(client: AsyncClient, post: Post) -> None:
    structures, sets = await _quietly(client.structures()), await _quietly(client.structure_sets())
    models = await _quietly(client.models())
    if structures is not None and models is not None:
        post(many_messages.StockCame(structures, sets or (), models))


async def estimate(client: AsyncClient, needs: Needs, samples: Sequence[Sample], post: Post) -> None:
    """One after another; the first refusal is told, and ends it. Says nothing where the server does not answer."""
    from mofsim.client import ClientError, Invalid

    for sample in samples:
        question = sample.question
        try:
            found = await client.estimate(question.task_type, question.structure, **question.options)
        except Invalid as error:
            post(many_messages.SampleCame(needs, sample, None, error.detail))
            return
        except ClientError:
            return
        post(many_messages.SampleCame(needs, sample, found))


async def submit(client: AsyncClient, product: Product, name: str, options: Mapping[str, Any], post: Post) -> None:
    """All tasks or, when the server refuses one, none."""
    from mofsim.client import ApiError, ClientError

    try:
        post(many_messages.BatchSubmitted(await client.submit_batch(batch_items(product, options), name)))
    except ApiError as error:
        at = f" ({error.field})" if error.field else ""
        post(many_messages.BatchRefused(f"{error.detail}{at}"))
    except ClientError as error:
        post(many_messages.BatchRefused(str(error)))
