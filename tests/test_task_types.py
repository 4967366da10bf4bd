"""A task type is known everywhere or nowhere."""

import pytest

from mofsim.schemas.simulations import PARAMETERS, PRESETS, resolve
from mofsim.schemas.submission import SUBMIT
from mofsim.server.routes import submission
from mofsim.simulations.tasks import TASK_TYPES
from mofsim.vocabulary import SIMULATIONS, Preset, TaskType


def test_every_task_type_has_its_parameters_presets_body_route_and_simulation() -> None:
    everywhere = set(TaskType)
    assert set(PARAMETERS) == set(PRESETS) == everywhere
    assert set(TASK_TYPES) == {str(task_type) for task_type in everywhere}
    assert set(SUBMIT) == set(SIMULATIONS)
    assert {f"/api/v1/tasks/{task_type}" for task_type in SIMULATIONS} < {route.path for route in submission.routes}


@pytest.mark.parametrize("task_type", TaskType)
@pytest.mark.parametrize("preset", Preset)
def test_every_preset_is_within_the_bounds(task_type: TaskType, preset: Preset) -> None:
    assert resolve(task_type, preset, {}).keys() == PARAMETERS[task_type].model_fields.keys()


@pytest.mark.parametrize("task_type", sorted(set(SIMULATIONS) - {TaskType.SINGLE_POINT}))
def test_every_task_type_of_several_steps_can_be_resumed(task_type: TaskType) -> None:
    assert {"state", "restore"} <= set(dir(TASK_TYPES[task_type]))
