"""Uploaded models: what the server keeps, refuses and deletes, without ever opening a file."""

import os
import pickle
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from mofsim.core import custom_models, leases, models
from mofsim.core.hashing import sha256
from mofsim.core.leases import Outcome
from mofsim.core.submission import Defaults
from mofsim.db.engine import Database
from mofsim.db.tables import MemoryNeed, Model
from mofsim.queue import Tickets
from mofsim.server.app import create_app
from mofsim.settings import Settings
from mofsim.vocabulary import TaskStatus

CUSTOM = "/api/v1/models/custom"
WEIGHTS = b"weights of a model"
MOF5 = {"source": "builtin", "name": "MOF-5"}


def forces(measured: float, passed: bool) -> dict[str, Any]:
    check = {"measured": measured, "limit": 0.05, "at_least": False, "unit": "eV/Å", "passed": passed}
    return {"passed": passed, "checks": {"forces": check}}


PASSED = forces(1e-4, True)
FAILED = forces(2.0, False)


async def upload(
    client: httpx.AsyncClient, name: str = "mine", content: bytes = WEIGHTS, filename: str = "best.pth", **fields: str
) -> httpx.Response:
    data = {"name": name, "framework": "sevenn"} | fields
    return await client.post(CUSTOM, files={"file": (filename, content)}, data=data)


async def get(client: httpx.AsyncClient, path: str = f"{CUSTOM}/mine") -> Any:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def files(settings: Settings) -> list[str]:
    """What lies below the data folder's `models` and `incoming`."""
    root = settings.storage.root
    found = [path for name in ("models", "incoming") for path in (root / name).rglob("*") if path.is_file()]
    return sorted(str(path.relative_to(root)) for path in found)


@pytest.fixture
def end(database: Database) -> Callable[..., None]:
    """What a worker does when it has computed the oldest queued task."""

    def end(status: TaskStatus = TaskStatus.COMPLETED, weights: bytes | None = None, **outcome: Any) -> None:
        with database.write() as session:
            claimed = leases.claim(session, "w", gpu_id=None, loaded_models=[], lease_seconds=60, affinity_seconds=0)
            assert claimed
            lease, task = claimed
            leases.start(session, lease, 1)
            digest = session.get_one(Model, task.model_name).config["sha256"] if weights is None else "0" * 64
            leases.finish(session, lease, Outcome(status, provenance={"model_sha256": digest}, **outcome))

    return end


async def submit(client: httpx.AsyncClient, model: str = "mine") -> httpx.Response:
    return await client.post("/api/v1/tasks/single-point", json={"model": model, "structure": MOF5})


async def test_an_uploaded_model_lies_under_its_hash_and_its_validation_is_queued(
    client: httpx.AsyncClient, settings: Settings, tickets: Tickets, tmp_path: Path
) -> None:
    fields = {"d3": "true", "dtype": "float32", "options": '{"modal": "mpa"}', "elements": "Mg, O C H Zn"}
    answer = await upload(client, filename="../../etc/best.pth", licence="MIT", **fields)
    assert answer.status_code == 201, answer.text
    model = answer.json()["data"]
    (tmp_path / "same").write_bytes(WEIGHTS)
    digest = sha256(tmp_path / "same")
    assert files(settings) == [f"models/{digest}/weights.pth"]
    assert (model["weights_sha256"], model["checkpoint"]) == (digest, str(settings.storage.root / files(settings)[0]))
    assert (model["is_custom"], model["is_validated"], model["validation"]) == (True, False, None)
    assert (model["d3"], model["elements"], model["licence"]) == (True, ["Mg", "O", "C", "H", "Zn"], "MIT")
    assert answer.headers["location"] == f"{CUSTOM}/mine" and await get(client) == model
    assert (await get(client, CUSTOM))["items"] == [model]
    task = await get(client, f"/api/v1/tasks/{model['validation_task']}")
    assert (task["task_type"], task["status"], task["model"]) == ("validation", "QUEUED", "mine")
    assert task["structure"]["name"] == "Mg-MOF-74"
    assert tickets.waiting() == 1


async def test_only_a_model_whose_checks_passed_can_be_used(
    client: httpx.AsyncClient, end: Callable[..., None]
) -> None:
    await upload(client, validate="false")
    refused = await submit(client)
    assert (refused.status_code, refused.json()["error"]["type"]) == (422, "ModelNotValidated")
    assert "mofsim models validate mine" in refused.json()["error"]["detail"]
    assert (await client.post("/api/v1/models/mine/load")).status_code == 422

    assert (await client.post(f"{CUSTOM}/mine/validate")).status_code == 202
    assert (await client.post(f"{CUSTOM}/mine/validate")).status_code == 409, "one at a time"
    end(result=FAILED)
    model = await get(client)
    assert (model["is_validated"], model["validation"]["passed"], model["validation_task"]) == (False, False, None)
    assert model["validation"]["checks"] == FAILED["checks"]
    assert "failed the checks: forces" in (await submit(client)).json()["error"]["detail"]

    await client.post(f"{CUSTOM}/mine/validate")
    end(result=PASSED)
    assert (await get(client))["is_validated"] and (await submit(client)).status_code == 202
    busy = await client.post(f"{CUSTOM}/mine/validate")
    assert busy.status_code == 409 and "has not ended" in busy.json()["error"]["detail"]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (TaskStatus.FAILED, {"error_type": "ModelLoadFailed", "error_message": "it is no checkpoint"}),
        (TaskStatus.COMPLETED, {"result": PASSED, "weights": b"of another file"}),
        (TaskStatus.TIMEOUT, {"result": PASSED, "error_message": "it ran longer than its limit"}),
    ],
)
async def test_what_was_not_proven_of_the_uploaded_weights_is_not_usable(
    client: httpx.AsyncClient, end: Callable[..., None], status: TaskStatus, outcome: dict[str, Any]
) -> None:
    await upload(client)
    end(status, **outcome)
    model = await get(client)
    assert not model["is_validated"] and not model["validation"]["passed"]
    error = outcome.get("error_message", "the executor loaded other weights than those that were uploaded")
    assert model["validation"]["error"] == error
    assert (await submit(client)).status_code == 422


async def test_a_model_is_unusable_again_while_it_is_validated_again(
    client: httpx.AsyncClient, end: Callable[..., None]
) -> None:
    await upload(client)
    end(result=PASSED)
    task = (await client.post(f"{CUSTOM}/mine/validate")).json()["data"]
    assert (await submit(client)).status_code == 422
    await client.post(f"/api/v1/tasks/{task['id']}/cancel")
    assert (await submit(client)).status_code == 422


@pytest.mark.parametrize(
    ("status", "field", "words", "change"),
    [
        (409, "name", "in the settings", {"name": "7net-0"}),
        (422, "name", "letters, digits", {"name": "../7net-0"}),
        (422, "name", "choose another", {"name": "custom"}),
        (422, "framework", "must be one of chgnet", {"framework": "ase"}),
        (422, "framework", "sevenn", {"framework": "nonsense"}),
        (422, "options", "JSON object", {"options": "{"}),
        (422, "options", "dictionary", {"options": "[1]"}),
        (422, "dtype", "float64", {"dtype": "float16"}),
        (422, "elements", "lacks C, Mg of Mg-MOF-74", {"elements": "H O"}),
        (422, "elements.0", "pattern", {"elements": "hydrogen"}),
        (422, "python", "is not known here", {"python": "/bin/sh"}),
        (422, "file", "empty", {"content": b""}),
    ],
)
async def test_what_can_be_no_model_is_refused_and_leaves_nothing(
    client: httpx.AsyncClient, settings: Settings, status: int, field: str, words: str, change: dict[str, Any]
) -> None:
    answer = await upload(client, **({"name": "mine"} | change))
    error = answer.json()["error"]
    assert (answer.status_code, error["field"]) == (status, field), error
    assert words in error["detail"], error
    assert files(settings) == [] and (await get(client, CUSTOM))["total"] == 0


@pytest.mark.parametrize(
    ("filename", "kept"),
    [("a.pt", "weights.pt"), ("a", "weights"), ("a." + "x" * 300, "weights"), ("a.p/h", "weights"), ("a.é", "weights")],
)
async def test_of_a_files_name_only_its_suffix_is_kept(
    client: httpx.AsyncClient, settings: Settings, filename: str, kept: str
) -> None:
    answer = await upload(client, filename=filename, validate="false")
    assert answer.status_code == 201, answer.text
    assert [Path(name).name for name in files(settings)] == [kept]


async def test_a_name_is_given_once(client: httpx.AsyncClient, settings: Settings) -> None:
    await upload(client)
    answer = await upload(client, content=b"others")
    assert answer.status_code == 409 and "mofsim models rm mine" in answer.json()["error"]["detail"]
    assert len(files(settings)) == 1


async def test_forms_that_are_none_are_refused(client: httpx.AsyncClient, settings: Settings) -> None:
    assert (await client.post(CUSTOM, json={"name": "mine"})).status_code == 415
    assert (await client.post(CUSTOM, data={"name": "mine"}, files={"other": b""})).status_code in (400, 422)
    two = [("file", ("a.pth", b"a")), ("file", ("b.pth", b"b"))]
    answer = await client.post(CUSTOM, data={"name": "mine", "framework": "sevenn"}, files=two)
    assert answer.status_code == 400 and "Too many files" in answer.json()["error"]["detail"]
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    cut_off = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pth"\r\n\r\nabc'
    assert (await client.post(CUSTOM, content=cut_off, headers=headers)).status_code in (400, 422)
    assert (await client.post(CUSTOM, content=b"nonsense", headers=headers)).status_code == 400
    assert files(settings) == []


async def test_too_large_a_file_is_refused_before_all_of_it_came(
    make_settings: Callable[..., Settings], with_key: dict[str, str]
) -> None:
    settings = make_settings({"storage.max_model_MB": 1})
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pth"\r\n\r\n'
        for _ in range(400):
            sent += 100_000
            yield bytes(100_000)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1", headers=with_key) as client,
    ):
        answer = await client.post(CUSTOM, content=body(), headers=headers)
    assert answer.status_code == 413 and "storage.max_model_MB" in answer.json()["error"]["detail"]
    assert files(settings) == [] and sent < 2_000_000


async def test_a_file_comes_to_the_data_folder_and_nowhere_else(
    client: httpx.AsyncClient, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's temporary folder may be in memory, and small."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "no such folder"))
    content = os.urandom(3_000_000)
    answer = await upload(client, content=content)
    assert answer.status_code == 201, answer.text
    assert (settings.storage.root / files(settings)[0]).read_bytes() == content


async def test_a_deleted_model_is_gone_with_its_file_unless_another_one_has_it(
    client: httpx.AsyncClient, settings: Settings, database: Database, end: Callable[..., None]
) -> None:
    await upload(client)
    in_use = await client.delete(f"{CUSTOM}/mine")
    assert in_use.status_code == 409 and "wait or cancel it" in in_use.json()["error"]["detail"]
    end(result=PASSED)
    task = (await submit(client)).json()["data"]["id"]
    await client.post(f"/api/v1/tasks/{task}/cancel")
    await upload(client, "twin", validate="false")
    assert len(files(settings)) == 1
    assert (await client.delete(f"{CUSTOM}/mine")).status_code == 200
    assert len(files(settings)) == 1 and (await client.get(f"{CUSTOM}/mine")).status_code == 404
    assert (await client.get("/api/v1/models/mine")).status_code == 404
    retried = await client.post(f"/api/v1/tasks/{task}/retry")
    assert retried.status_code == 422 and "no model 'mine'" in retried.json()["error"]["detail"]
    assert (await client.delete(f"{CUSTOM}/twin")).status_code == 200
    assert list((settings.storage.root / "models").iterdir()) == []
    assert (await client.delete(f"{CUSTOM}/twin")).status_code == 404
    assert (await client.delete(f"{CUSTOM}/7net-0")).status_code == 404

    with database.write() as session:
        session.add(MemoryNeed(device="cpu", model_name="mine", n_atoms=54, too_little_MB=1e6))
    again = (await upload(client, content=b"better weights")).json()["data"]
    assert (again["is_validated"], again["memory"], again["validation"]) == (False, [], None)


async def test_an_uploaded_model_outlives_a_start_of_the_server_and_yields_to_the_settings(
    client: httpx.AsyncClient, settings: Settings, database: Database, end: Callable[..., None]
) -> None:
    await upload(client)
    end(result=PASSED)
    with database.write() as session:
        models.synchronise(session, settings.models)
    assert (await get(client))["is_validated"]
    with database.write() as session:
        models.synchronise(session, {**settings.models, "mine": settings.models["7net-0"]})
    model = await get(client, "/api/v1/models/mine")
    assert (model["is_custom"], model["validation"], model["created_at"]) == (False, None, None)
    assert (await get(client, CUSTOM))["total"] == 0


@pytest.mark.parametrize("path", ["validation", "batch"])
async def test_a_validation_is_not_submitted_by_itself(client: httpx.AsyncClient, path: str) -> None:
    body: dict[str, Any] = {"structure": MOF5, "model": "7net-0"}
    if path == "batch":
        body = {"product": {"structures": [MOF5], "task_types": [{"task_type": "validation"}]}}
    answer = await client.post(f"/api/v1/tasks/{path}", json=body)
    assert answer.status_code in (404, 422) and "single-point, optimization" in answer.json()["error"]["detail"]


class Bomb:
    """As it is unpickled it writes a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return Path.touch, (self.target,)


async def test_no_file_is_opened_in_the_server(
    client: httpx.AsyncClient, tmp_path: Path, end: Callable[..., None]
) -> None:
    bomb = pickle.dumps(Bomb(tmp_path / "touched"))
    assert (await upload(client, content=bomb)).status_code == 201
    await get(client)
    await get(client, CUSTOM)
    await get(client, "/api/v1/models/mine")
    end(TaskStatus.FAILED, error_message="it is no checkpoint")
    assert (await client.delete(f"{CUSTOM}/mine")).status_code == 200
    assert not (tmp_path / "touched").exists()
    pickle.loads(bomb)
    assert (tmp_path / "touched").exists(), "this test should be able to fail"


def test_a_validation_needs_a_model_that_was_uploaded(database: Database, settings: Settings) -> None:
    with database.write() as session, pytest.raises(models.NotFound):
        custom_models.validate(session, "7net-0", Defaults("7net-0", 60.0, 3))
