"""Every operation of the description with allowed and odd requests: no 5xx, and only answers that it describes.

The long run with requests drawn at random is scripts/fuzz-api.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from mofsim.client import Client
from mofsim.server.openapi import documents
from mofsim.server.routes import routes
from mofsim.vocabulary import Scope, WorkerState
from tests.client.running import Server
from tests.conftest import Prepared
from tests.contract.operations import Case, Description, Operation

OPERATIONS = sorted(
    (
        f"{method} {route.path}"
        for route in routes
        if route.endpoint in documents
        for method in route.methods or ()
        if method != "HEAD"
    ),
    # What deletes comes last: the others need what it takes away.
    key=lambda name: (name.startswith("DELETE"), name),
)

#: Odd values in each place of a body.
FEW = 3
#: seconds for one answer
PATIENCE = 30


@dataclass
class Api:
    http: httpx.Client
    description: Description
    keys: dict[str, str]
    log: Path
    seen: set[tuple[str, str]] = field(default_factory=set)

    def ask(self, operation: Operation, case: Case, scope: str = Scope.ADMIN) -> httpx.Response:
        """The answer; of a stream its head."""
        key = self.keys.get(scope)
        headers = case.headers | ({"Authorization": f"Bearer {key}"} if key else {})
        url = f"{case.path}?{case.query}" if case.query else case.path
        request = self.http.build_request(
            operation.method, url, headers=headers, content=case.content, files=case.files
        )
        answer = self.http.send(request, stream=True)
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            answer.read()
        answer.close()
        return answer


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("contract")
    # Where a database is stricter, SQLite takes what the other refuses: text in a number, a limit, a lock in a read.
    with prepared.copied(folder, on_postgresql=True) as rows:
        server = Server(folder, rows)
        for limit in ("requests", "submits", "requests_without_key"):
            server.environment[f"MOFSIM_SECURITY__{limit.upper()}_PER_MINUTE"] = "0"
        try:
            server.start()
            with Client(server.url) as client, httpx.Client(base_url=server.url, timeout=PATIENCE) as http:
                known = _furnish(server, client)
                keys = {"admin": server.key, "read": client.create_key("reader", Scope.READ).token}
                yield Api(http, Description(http.get("/openapi.json").json(), known), keys, server.log)
        finally:
            server.stop()


def _furnish(server: Server, client: Client) -> dict[str, dict[str, Any]]:
    """One of everything; what is there, by the beginning of the path that names it."""
    cube = server.folder / "cube.xyz"
    cube.write_text('2\nLattice="4 0 0 0 4 0 0 0 4"\nC 0 0 0\nO 2 2 2\n')
    uploaded = client.add_structure(cube)
    client.save_structure_set("pair", [uploaded.id])
    created = client.submit_batch([{"task_type": "optimization", "structure": {"source": "builtin", "name": "MOF-5"}}])
    benchmark = client.start_benchmark(["lj"], set="pair", task_types=["optimization"]).benchmark
    client.cancel_benchmark(benchmark.id)
    client.submit("single-point", "MOF-5")
    with server.hands() as hands:
        hands.register("box:cpu0", WorkerState.IDLE)
        hands.see("box", "GPU-0")
        hands.alert("box:gpu0", "it fell off")
        lease = hands.take()
        hands.step(lease, 1)
        hands.say(lease, "a line")
        hands.end(lease, output_files=hands.write(lease, "series.csv", "step,energy_eV\n1,-2.0\n"), result={"steps": 1})
        held = hands.take().task_id
    spare = client.create_key("spare", Scope.READ)
    names = {"name": "7net-0", "id": 1, "worker": "box:cpu0"}
    return {
        "": {"name": "MOF-5", "model": "lj", "structure_ids": [uploaded.id], "framework": "sevenn"},
        "/": names,
        "/api/v1/keys": {"id": spare.id},
        "/api/v1/system/gpus": {"id": "GPU-0"},
        "/api/v1/system/hosts": {"host": "box"},
        "/api/v1/structures": {"id": uploaded.id},
        "/api/v1/structures/sets": {"name": "pair"},
        "/api/v1/batches": {"id": created.id},
        "/api/v1/benchmarks": {"id": benchmark.id, "structure": uploaded.id},
        "/api/v1/tasks": {"id": created.task_ids[0]},
        "/api/v1/transfer": {"id": uploaded.id, "sha256": "0" * 64},
        "/api/v1/transfer/tasks": {"task": held, "attempt": 1, "earlier": 1, "name": "series.csv"},
        "/api/v1/files": {"task": created.task_ids[0], "attempt": 1, "name": "series.csv"},
    }


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_request_breaks_what_the_description_says(api: Api, name: str) -> None:
    operation = api.description.operations.get(name)
    if operation is None:
        # It says that there is no such task type, and is no operation for anybody.
        assert name == "POST /api/v1/tasks/{id}"
        return
    wrong = []
    # A report is made in a process of its own, which takes a second each time.
    few = 1 if name.endswith("/report") else FEW
    for case in operation.cases(api.seen, OPERATIONS.index(name), few):
        answer = api.ask(operation, case)
        wrong += [f"{name} with {case.why}: {problem}" for problem in api.description.problems(operation, answer)]
    case = next(operation.cases(set(), 0))
    for scope, refusal in (("read", 403 if operation.scope in ("submit", "worker", "admin") else None), ("none", 401)):
        answer = api.ask(operation, case, scope)
        wrong += [f"{name} with {scope}: {problem}" for problem in api.description.problems(operation, answer)]
        if operation.scope and refusal and answer.status_code != refusal:
            wrong.append(f"{name} with {scope}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_nothing_failed_in_silence(api: Api) -> None:
    """After all the others: a stream or a background task that failed leaves its traceback in the log only."""
    assert api.http.get("/health").status_code == 200
    assert "Traceback" not in api.log.read_text()
