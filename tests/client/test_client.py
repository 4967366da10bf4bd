"""The blocking client against a real server."""

import gzip
import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from mofsim.client import Client, Conflict, Invalid, NotFound, ServerUnreachable, batch_item
from mofsim.schemas.webhooks import Callback
from mofsim.vocabulary import DeliveryState, EventType, Priority, TaskStatus, TaskType, WebhookEvent

from .running import Hands

XYZ = """2
Lattice="5 0 0 0 5 0 0 0 5" Properties=species:S:1:pos:R:3 pbc="T T T"
Mg 0.0 0.0 0.0
O 2.1 0.0 0.0
"""

#: A receiver that may be called, and never is: nothing delivers in these tests.
PUBLIC = "https://93.184.215.14/hook"


def test_a_submitted_task_can_be_read_again(client: Client) -> None:
    task = client.submit("optimization", "mof-5", preset="quick", parameters={"fmax": 0.1}, priority="high")
    again = client.task(task.id)
    assert again == task
    assert (task.task_type, task.structure.name, task.priority) == (TaskType.OPTIMIZATION, "MOF-5", Priority.HIGH)
    assert task.parameters["fmax_eV_per_A"] == 0.1


def test_boxes_and_gpus_tell_what_they_are_and_were(own_client: Client, hands: Hands) -> None:
    hands.see("box", "GPU-0")
    [gpu], [host] = own_client.gpus(), own_client.hosts()
    assert (gpu.id, gpu.processes, host.name, host.cores) == ("GPU-0", None, "box", 4)
    assert own_client.gpu_history("GPU-0", seconds=60).columns["memory_used_MB"] == [1000]
    assert own_client.host_history("box", points=10).columns["utilisation_percent"] == [25]
    assert own_client.overview().queue[0].waiting == 0
    with pytest.raises(NotFound):
        own_client.gpu_history("GPU/1")


def test_the_same_idempotency_key_gives_the_same_task(client: Client) -> None:
    first = client.submit("single-point", "MOF-5", idempotency_key="a key")
    assert client.submit("single-point", "MOF-5", idempotency_key="a key").id == first.id
    assert client.submit("single-point", "MOF-5").id != first.id


def test_the_same_idempotency_key_gives_the_same_batch(client: Client) -> None:
    items = [batch_item("single-point", "MOF-5")] * 2
    first = client.submit_batch(items, idempotency_key="a key")
    assert client.submit_batch(items, idempotency_key="a key") == first
    with pytest.raises(Conflict):
        client.submit_batch(items, name="another", idempotency_key="a key")
    assert client.submit_batch(items).id != first.id


def test_a_list_is_filtered_and_paged_by_its_cursor(client: Client) -> None:
    items = [batch_item("single-point", "MOF-5"), batch_item("optimization", "ZIF-8")] * 3
    batch = client.submit_batch(items, name="six")
    first = client.tasks(batch=batch.id, limit=4)
    rest = client.tasks(batch=batch.id, limit=4, cursor=first.next_cursor)
    assert [t.id for t in [*first.items, *rest.items]] == sorted(batch.task_ids, reverse=True)
    assert first.total == 6 and rest.next_cursor is None
    some = client.tasks(["QUEUED", TaskStatus.FAILED], ["optimization"], batch=batch.id, structure="ZIF-8", text="zif")
    assert len(some.items) == 3
    assert client.tasks(["FAILED", "TIMEOUT"], batch=batch.id).items == []


def test_a_mistake_in_the_parameters_is_named_by_its_field(client: Client) -> None:
    with pytest.raises(Invalid) as caught:
        client.submit("optimization", "MOF-5", parameters={"fmax": -1})
    assert caught.value.code == 422 and caught.value.field == "parameters.fmax" and caught.value.request_id


def test_a_mistake_in_a_batch_is_named_by_its_place_and_nothing_is_submitted(client: Client) -> None:
    before = client.health().last_event_id
    with pytest.raises(Invalid) as caught:
        client.submit_batch([batch_item("single-point", "MOF-5"), batch_item("single-point", "no such thing")])
    assert caught.value.field == "tasks.1.structure.name"
    assert client.health().last_event_id == before


def test_what_is_not_there_is_not_found(client: Client) -> None:
    with pytest.raises(NotFound, match="there is no task 99999"):
        client.task(99999)


def test_a_waiting_task_is_steered(client: Client) -> None:
    task = client.submit("single-point", "MOF-5")
    assert client.set_priority(task.id, "CRITICAL").priority is Priority.CRITICAL
    assert client.explain(task.id).status is TaskStatus.QUEUED
    assert client.cancel(task.id).status is TaskStatus.CANCELLED
    assert client.retry(task.id).status is TaskStatus.QUEUED
    with pytest.raises(Conflict):
        client.delete(task.id)
    client.cancel(task.id)
    client.delete(task.id)
    with pytest.raises(NotFound):
        client.task(task.id)


def test_an_uploaded_structure_comes_back_as_it_was(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "oxide.xyz"
    file.write_text(XYZ)
    structure = client.add_structure(file, name="my oxide")
    assert (structure.name, structure.formula, structure.n_atoms) == ("my oxide", "MgO", 2)
    assert client.structure_file(structure.id, tmp_path / "copy.xyz").read_text() == XYZ
    assert structure in client.structures(builtin=False) and structure not in client.structures(builtin=True)
    assert client.submit("single-point", structure.id).structure.id == structure.id


def test_a_removed_structure_is_gone(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "oxide.xyz"
    file.write_text(XYZ)
    structure = client.add_structure(file)
    client.delete_structure(structure.id)
    assert structure.id not in [each.id for each in client.structures()]


def test_a_file_that_is_no_structure_is_invalid(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "nonsense.cif"
    file.write_text("not a cif")
    with pytest.raises(Invalid) as caught:
        client.add_structure(file)
    assert caught.value.field == "file"


def test_the_result_the_log_and_the_files_of_an_ended_task_are_there(
    own_client: Client, hands: Hands, tmp_path: Path
) -> None:
    client = own_client
    task = client.submit("single-point", "MOF-5")
    lease = hands.take()
    hands.say(lease, "hello")
    hands.end(lease, result={"energy_eV": -1.5}, output_files=hands.write(lease, "forces.extxyz", "numbers"))
    assert client.result(task.id).result == {"energy_eV": -1.5}
    assert [line.message for line in client.logs(task.id)] == ["hello"]
    assert [attempt.worker_id for attempt in client.attempts(task.id)] == ["box:cpu0"]
    assert client.task_events(task.id)[0].type == EventType.TASK_CREATED
    assert [line.subject for line in client.audit(subject=f"tasks/{task.id}").items] == [f"tasks/{task.id}"]
    assert [(file.name, file.size_bytes) for file in client.files(task.id)] == [("forces.extxyz", 7)]
    assert client.download(task.id, "forces.extxyz", tmp_path).read_text() == "numbers"
    with pytest.raises(NotFound, match=r"its files: forces\.extxyz"):
        client.download(task.id, "forces.xyz", tmp_path)


def test_a_download_that_fails_leaves_nothing_behind(client: Client, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        client.structure_file(999, tmp_path / "copy.cif")
    assert list(tmp_path.glob("*copy*")) == []


def test_the_system_tells_of_itself(client: Client) -> None:
    before = client.queue()
    client.submit("single-point", "MOF-5", priority=Priority.LOW)
    assert client.queue().queued_by_priority["LOW"] == before.queued_by_priority["LOW"] + 1
    assert client.health().queue.by_status["QUEUED"] == before.by_status["QUEUED"] + 1
    assert [model.name for model in client.models() if model.is_default] == ["lj"]
    assert client.model("lj").framework == "ase"
    assert client.workers() == [] and client.gpus() == []


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with Client("127.0.0.1:1") as client, pytest.raises(ServerUnreachable, match="mofsim up"):
        client.health()


@pytest.mark.parametrize(
    ("callback", "heard"),
    [
        (PUBLIC, ["task.cancelled"]),
        ({"url": PUBLIC, "events": ["task.cancelled"], "secret": "hush"}, ["task.cancelled"]),
        (Callback(url=PUBLIC, events=[WebhookEvent.TASK_FAILED], secret=SecretStr("hush")), []),
    ],
)
def test_a_receiver_hears_what_it_wants_to(client: Client, callback: object, heard: list[str]) -> None:
    task = client.submit("single-point", "MOF-5", callback=callback)  # type: ignore[arg-type]
    batch = client.submit_batch([batch_item("single-point", "MOF-5", callback=callback)])  # type: ignore[arg-type]
    for id in (task.id, *batch.task_ids):
        client.cancel(id)
        assert [delivery.event for delivery in client.deliveries(id)] == heard


def test_the_secret_of_a_callback_is_sent_as_it_is() -> None:
    for secret in ("hush", SecretStr("hush")):
        item = batch_item("single-point", "MOF-5", callback={"url": PUBLIC, "secret": secret})
        assert item["options"]["callback"]["secret"] == "hush"
    callback = Callback(url=PUBLIC, secret=SecretStr("hush"))
    assert batch_item("single-point", "MOF-5", callback=callback)["options"]["callback"]["secret"] == "hush"


def test_a_private_receiver_is_refused(client: Client) -> None:
    with pytest.raises(Invalid) as caught:
        client.submit("single-point", "MOF-5", callback="http://127.0.0.1:9")
    assert caught.value.field == "options.callback.url"


def test_a_delivery_is_sent_once_more(client: Client) -> None:
    task = client.submit("single-point", "MOF-5", callback=PUBLIC)
    client.cancel(task.id)
    (delivery,) = client.deliveries(task.id)
    assert client.redeliver(delivery.id).state is DeliveryState.PENDING
    with pytest.raises(NotFound, match="there is no delivery 99999"):
        client.redeliver(99999)


def test_a_notebook_sees_tables_and_plots(own_client: Client, hands: Hands, tmp_path: Path) -> None:
    task = own_client.submit("single-point", "MOF-5")
    lease = hands.take()
    result = {"energy_eV": -1.5, "points": list(range(20)), "note": "<b>&", "eos": {"B": {"value_GPa": 16.0}}}
    hands.end(lease, result=result, output_files=hands.write(lease, "eos.png", "\x89PNG"))
    html = own_client.result(task.id)._repr_html_()
    assert "energy_eV = -1.5" in html and "&lt;b&gt;&amp;" in html and "… (20)" in html
    assert "<br>eos.B.value_GPa = 16" in html, "a value within others says whose it is"
    page = own_client.tasks()
    assert page._repr_html_().count("<tr>") == 1 + len(page.items) and "MOF-5" in page._repr_html_()
    assert "<td>NORMAL</td>" in own_client.task(task.id)._repr_html_()
    assert "<td>eos.png</td>" in own_client.files(task.id)._repr_html_()
    assert own_client.url in repr(own_client)
    [picture] = own_client.pictures(task.id)
    assert picture._repr_png_() == "\x89PNG".encode() and "eos.png" in repr(picture)
    assert picture.save(tmp_path).read_bytes() == picture.content


def test_a_download_tells_how_far_it_is(own_client: Client, hands: Hands, tmp_path: Path) -> None:
    task_id = own_client.submit("single-point", "MOF-5").id
    lease = hands.take()
    hands.end(lease, output_files=hands.write(lease, "points.csv", "1,2\n" * 100_000))
    told: list[tuple[int, int]] = []
    own_client.download(task_id, "points.csv", tmp_path, on_progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (400_000, 400_000) and len(told) > 1 and told == sorted(told)


def test_a_compressed_file_is_downloaded_as_it_was(own_client: Client, hands: Hands, tmp_path: Path) -> None:
    task_id = own_client.submit("single-point", "MOF-5").id
    lease = hands.take()
    hands.end(lease, output_files=hands.write(lease, "points.csv", "1,2\n" * 5000))
    hands.grow_old(compress_after=timedelta())
    assert [file.name for file in own_client.files(task_id)] == ["points.csv.gz"]
    assert own_client.download(task_id, "points.csv", tmp_path).read_text() == "1,2\n" * 5000
    packed = own_client.download(task_id, "points.csv.gz", tmp_path)
    assert (packed.name, gzip.decompress(packed.read_bytes())) == ("points.csv.gz", b"1,2\n" * 5000)

    hands.grow_old(keep=timedelta())
    assert own_client.result(task_id).files_removed_at and own_client.files(task_id) == []
    with pytest.raises(NotFound, match="removed by their age"):
        own_client.download(task_id, "points.csv", tmp_path)


def test_a_worker_is_drained_and_resumed(own_client: Client, hands: Hands) -> None:
    hands.register("box:gpu0")
    assert own_client.drain_worker("box:gpu0").drain
    assert [worker.drain for worker in own_client.workers()] == [True]
    assert not own_client.resume_worker("box:gpu0").drain
    with pytest.raises(NotFound, match="no worker 'box:gpu7'"):
        own_client.drain_worker("box:gpu7")


def test_alerts_are_told_while_they_hold_and_after(own_client: Client, hands: Hands) -> None:
    assert (own_client.alerts(), own_client.alert_history()) == ([], [])
    hands.alert("box:gpu0", "it fell off")
    hands.alert("box:gpu1", "it fell off")
    hands.resolve("box:gpu0")
    assert [alert.subject for alert in own_client.alerts()] == ["box:gpu1"]
    assert [alert.resolved for alert in own_client.alert_history()] == [False, True]
    assert [alert.subject for alert in own_client.alert_history(limit=1)] == ["box:gpu1"]
    assert own_client.health().alerts_active == 1


def test_a_product_is_submitted_followed_steered_and_evaluated(client: Client, tmp_path: Path) -> None:
    ids = [each.id for each in client.structures(True)][:2]
    assert client.save_structure_set("of-client", ids).structure_ids == sorted(ids)
    assert [each.id for each in client.structures(set="of-client")] == ids
    types = ["single-point", {"task_type": "optimization", "parameters": {"fmax": 0.2}, "preset": "quick"}]
    created = client.submit_product(["@of-client"], types, models=["lj"], name="four", priority="low")
    batch = client.batch(created.id)
    assert (batch.name, batch.n_tasks, batch.counts[TaskStatus.QUEUED]) == ("four", 4, 4)
    assert batch in client.batches().items
    assert {task.priority for task in client.tasks(batch=created.id).items} == {Priority.LOW}
    assert len(client.cancel_batch(created.id).task_ids) == 4
    assert client.retry_batch(created.id).task_ids == []
    assert len(client.retry_batch(created.id, cancelled=True).task_ids) == 4
    client.cancel_batch(created.id)
    rows = client.batch_results(created.id)
    assert {row.status for row in rows} == {TaskStatus.CANCELLED} and "energy_eV" in rows[0].model_dump()
    path = client.save_batch_results(created.id, tmp_path)
    assert path.name == f"batch-{created.id}.csv" and len(path.read_text().splitlines()) == 5
    client.delete_structure_set("of-client")
    assert "of-client" not in [each.name for each in client.structure_sets()]
    with pytest.raises(Invalid) as caught:
        client.submit_product(["@of-client"], ["single-point"])
    assert caught.value.field == "product.structures.0.name"


def test_a_structure_is_had_as_it_was_uploaded_as_it_is_computed_and_as_cif(client: Client, tmp_path: Path) -> None:
    (tmp_path / "forms.xyz").write_text(XYZ)
    structure = client.add_structure(tmp_path / "forms.xyz")
    assert client.add_structure(tmp_path / "forms.xyz", reuse=True).checksum == structure.checksum
    folder = tmp_path / "saved"
    folder.mkdir()
    assert client.structure_file(structure.id, folder).read_text() == XYZ
    normalised = client.structure_file(structure.id, folder, "normalised")
    assert hashlib.sha256(normalised.read_bytes()).hexdigest() == structure.checksum
    # What simulations read is its own normalised form.
    assert client.add_structure(normalised).checksum == structure.checksum
    assert client.structure_file(structure.id, folder, "cif").read_text().startswith("data_")
    assert sorted(path.name for path in folder.iterdir()) == ["forms.cif", "forms.extxyz", "forms.xyz"]
