"""Batches: how far they are, what came out, and all their tasks at once."""

from mofsim.client.request import API, Request, get
from mofsim.client.requests.answers import _list_of
from mofsim.schemas.batches import Batch, BatchChanged, BatchRow
from mofsim.schemas.envelope import Page


def batches(limit: int = 50, cursor: str | None = None) -> Request[Page[Batch]]:
    """One page of the batches, newest first; `cursor` is `next_cursor` of the page before."""
    return get("/batches", Page[Batch].model_validate, {"limit": limit, "cursor": cursor})


def batch(id: int) -> Request[Batch]:
    """How far a batch is."""
    return get(f"/batches/{id}", Batch.model_validate)


def cancel_batch(id: int) -> Request[BatchChanged]:
    """Cancel all tasks of a batch that have not ended."""
    return Request("POST", f"{API}/batches/{id}/cancel", BatchChanged.model_validate, tries=2)


def retry_batch(id: int, *, cancelled: bool = False, clean: bool = False) -> Request[BatchChanged]:
    """Let all tasks of a batch wait again that failed or ran into their time limit, with `cancelled` those too."""
    query = {name: "true" for name, wanted in (("cancelled", cancelled), ("clean", clean)) if wanted}
    return Request("POST", f"{API}/batches/{id}/retry-failed", BatchChanged.model_validate, query=query)


def batch_results(id: int) -> Request[list[BatchRow]]:
    """A row for each task of a batch; units are in the names of its fields."""
    return get(f"/batches/{id}/results", _list_of(BatchRow))
