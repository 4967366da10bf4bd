"""An uploaded guest reaches the executor."""

from mofsim.core import structures
from mofsim.core.structures import Limits
from mofsim.vocabulary import TaskStatus, TaskType

from .box import Box


def test_a_task_with_an_uploaded_guest_is_computed_with_it(box: Box) -> None:
    with structures.incoming(box.storage) as folder:
        (folder / "guest.xyz").write_text("1\n\nNe 0 0 0\n")
        checked = structures.check(folder / "guest.xyz", "guest.xyz", Limits(1000, 10, 60), molecule=True)
        with box.database.write() as session:
            guest = structures.store(session, box.storage, checked, "neon").id
    box.start()
    parameters = {"guest_structure": guest, "max_candidates": 3, "sites": 1, "relax_steps": 2, "image_distance_A": 0}
    task_id = box.submit("lj", TaskType.INTERACTION_ENERGY, parameters=parameters)
    task = box.wait_for_end(task_id)
    assert task.status == TaskStatus.COMPLETED, task.error_message
    result = box.result(task_id)
    assert result.result_data["guest_formula"] == "Ne"
    assert {"best.cif", "best.extxyz", "sites.csv", "candidates.csv", "interaction.png"} <= set(result.output_files)
