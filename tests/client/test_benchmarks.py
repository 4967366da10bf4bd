"""Benchmarks from Python: the blocking client, the async one, and what a notebook shows."""

import json
from pathlib import Path

import pytest

from mofsim.benchmark.references import read_csv
from mofsim.client import AsyncClient, Client, Conflict, Invalid, NotFound
from mofsim.vocabulary import CellState, ReportFormat, TaskStatus
from tests.client.running import Hands, Server

QUICK = {"preset": "quick", "task_types": ["optimization"]}


def test_a_benchmark_is_planned_begun_extended_tried_again_and_scored(
    own_client: Client, hands: Hands, tmp_path: Path
) -> None:
    (tmp_path / "own.csv").write_text("structure,volume_A3,n_atoms\nMOF-5,4000,106\n")
    assert own_client.estimate_benchmark(["lj"], **QUICK).n_new == 5
    references = [*read_csv(tmp_path / "own.csv"), {"structure": "X", "quantity": "bulk_modulus_GPa", "value": 1.0}]
    begun = own_client.start_benchmark(["lj"], priority="high", references=references, **QUICK)
    assert (begun.is_new, begun.n_submitted, begun.benchmark.n_own_references) == (True, 5, 2)
    assert own_client.add_benchmark_models(begun.benchmark.id, ["lj", "7net-0"]).n_submitted == 5
    assert {task.priority.name for task in own_client.tasks().items} == {"HIGH"}
    hands.end(hands.take(), result={"final_volume_A3": 4400.0, "converged": True})
    hands.end(hands.take(), TaskStatus.FAILED, error_type="OutOfMemory", error_message="too small")
    found = own_client.benchmark(1)
    ended = [cell.state for cell in found.cells if cell.state is not CellState.WAITING]
    assert sorted(ended) == [CellState.COMPLETED, CellState.LOST]
    assert own_client.benchmark_progress(1).percent == 20.0
    assert own_client.retry_benchmark(1).n_retried == 1
    [value] = [each.error for each in own_client.benchmark_scores(1).outcomes if each.value is not None]
    assert value == 400.0
    assert len(own_client.benchmark_results(1)) == 10
    of_one = own_client.benchmark_structure(1, found.structures[0].id)
    assert {cell.model for cell in of_one.cells} == {"lj", "7net-0"}
    path = own_client.save_benchmark_report(1, tmp_path, ReportFormat.TEXT)
    assert path == tmp_path / "benchmark-1.txt" and "Summary" in path.read_text()
    with pytest.raises(ValueError, match="benchmark_scores"):
        own_client.save_benchmark_report(1, tmp_path, "json")
    with pytest.raises(Conflict):
        own_client.delete_benchmark(1)
    assert own_client.cancel_benchmark(1).n_cancelled == 9
    own_client.delete_benchmark(1)
    with pytest.raises(NotFound):
        own_client.benchmark(1)
    with pytest.raises(Invalid, match="single-point"):
        own_client.start_benchmark(["lj"], task_types=["single-point"])


def test_a_notebook_sees_how_far_it_is_and_what_was_scored(own_client: Client, hands: Hands) -> None:
    own_client.start_benchmark(["lj"], name="<b>", **QUICK)
    hands.end(hands.take(), result={"final_volume_A3": 4400.0, "converged": True})
    shown = own_client.benchmark(1)._repr_html_()
    assert "&lt;b&gt;" in shown and "<th>waiting</th>" in shown and "<td>4</td>" in shown
    scores = own_client.benchmark_scores(1)._repr_html_()
    assert "Converged" in scores and "4 of 5 tasks have not ended" in scores and "&lt;b&gt;" in scores
    assert "is_new" in own_client.start_benchmark(["lj"], name="<b>", **QUICK)._repr_html_()


async def test_the_async_client_does_the_same(shared_server: Server, tmp_path: Path) -> None:
    async with AsyncClient(shared_server.url) as client:
        begun = await client.start_benchmark(["lj"], name="async", **QUICK)
        id = begun.benchmark.id
        assert (await client.benchmarks()).items[0].id == id
        page = await client.save_benchmark_report(id, tmp_path / "report.html")
        assert page.read_text().startswith("<!doctype html>")
        assert json.loads((await client.benchmark_scores(id)).model_dump_json())["title"].endswith("async")
        await client.cancel_benchmark(id)
        await client.delete_benchmark(id)
