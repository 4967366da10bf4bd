"""Models and structures of the fake world, with atoms."""

from typing import TYPE_CHECKING, Any

from mofsim.client import Conflict, Invalid, NotFound
from mofsim.client.request import File, Request
from mofsim.models_builtin import BUILTIN_MODELS
from mofsim.schemas.resources import (
    Check,
    Geometry,
    MemoryNeed,
    Model,
    ModelDetail,
    Structure,
    StructureSet,
    Validation,
    Worker,
)
from mofsim.schemas.tasks import TaskGeometry
from mofsim.vocabulary import EventType, TaskStatus, TaskType

if TYPE_CHECKING:
    from tests.tui.fake import World

#: a paddle wheel's half, in a cell of its own
SYMBOLS = ["Zn", "O", "O", "C", "C", "H"]
POSITIONS = [[0.0, 0.0, 0.0], [1.9, 0.0, 0.0], [0.0, 1.9, 0.0], [2.6, 1.1, 0.0], [3.9, 1.6, 0.0], [4.4, 2.5, 0.0]]
CELL = [[8.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 10.0]]


def geometry(stretched: float = 1.0, moved: float = 0.0, guest: bool = False) -> dict[str, Any]:
    """The atoms, in a cell that is so much longer along a, the last of the host moved along z."""
    places = [list(place) for place in POSITIONS]
    places[-1][2] += moved
    symbols = [*SYMBOLS]
    if guest:
        symbols += ["C", "O", "O"]
        places += [[4.0, 6.0, 5.0], [5.16, 6.0, 5.0], [2.84, 6.0, 5.0]]
    places = [[x * stretched, y, z] for x, y, z in places]
    cell = [[CELL[0][0] * stretched, 0.0, 0.0], *map(list, CELL[1:])]
    return {"symbols": symbols, "positions_A": places, "cell_A": cell}


def model(name: str, **changes: Any) -> Model:
    values: dict[str, Any] = {
        "name": name,
        "framework": "sevenn",
        "description": "",
        "is_default": False,
        "is_custom": False,
        "is_validated": True,
        "d3": False,
        "dtype": "float32",
        "licence": "MIT",
        "elements": [],
        "loaded_on": [],
    }
    return Model(**(values | changes))


def wide_model() -> Model:
    """It knows most elements, and comes with no licence."""
    known = list(BUILTIN_MODELS["7net-0"]["elements"])  # type: ignore[call-overload]
    return model("wide", elements=known, framework="mace", dtype="float64", licence="")


def check(measured: float | None, limit: float, unit: str, at_least: bool = False) -> Check:
    good = measured is not None and (measured >= limit if at_least else measured <= limit)
    return Check(measured=measured, limit=limit, at_least=at_least, unit=unit, passed=good)


def some_models() -> list[Model]:
    return [
        model("7net-0", is_default=True, elements=["Zn", "C", "H", "O"], d3=True, description="fast, the default"),
        model("7net-l3i5", elements=["C", "H", "O"]),
        model("unproven", is_custom=True, is_validated=False),
    ]


def detail(of: Model, world: "World") -> ModelDetail:
    values: dict[str, Any] = {
        "checkpoint": f"package:{of.framework}/{of.name}.pth",
        "weights_sha256": "ab" * 32,
        "python": "",
        "environment": None,
        "versions": {"sevenn": "0.11.2", "torch": "2.6.0"},
        "load_seconds": 4.2,
        "memory": [],
    }
    if of.is_default:
        need = {"device": "cuda", "n_atoms": 624, "peak_MB": 12_100.0, "too_little_MB": None}
        values["memory"] = [MemoryNeed(**need), MemoryNeed(**need | {"n_atoms": 1248, "too_little_MB": 24_000.0})]
    if of.is_custom:
        tasks = [t for t in world.tasks.values() if t.task_type is TaskType.VALIDATION and t.model == of.name]
        values["validation_task"] = next((t.id for t in tasks if not t.status.is_final), None)
        values["validation"] = world.validations.get(of.name)
    return ModelDetail(**of.model_dump(), **values)


def failed_validation() -> Validation:
    checks = {
        "forces": check(0.21, 0.05, "eV/Å"),
        "stress": check(None, 0.05, "GPa"),
        "response": check(0.9, 0.05, "eV/Å", at_least=True),
    }
    from tests.tui.fake import NOW

    return Validation(passed=False, checks=checks, error=None, task_id=8117, at=NOW)


async def models(world: "World", request: Request[Any], rest: list[str]) -> Any:
    match (request.method, rest):
        case ("GET", []):
            return world.models
        case ("POST", ["custom"]):
            return await _add(world, request)
        case ("DELETE", ["custom", name]):
            world.models = [each for each in world.models if each.name != name]
            return None
        case ("POST", ["custom", name, "validate"]):
            return await _validate(world, name)
        case ("POST", [name, verb]):
            return await _wish(world, name, verb, request.json["worker"])
        case ("GET", [name]):
            found = next((each for each in world.models if each.name == name), None)
            if found is None:
                raise NotFound(f"there is no model {name!r}", code=404, type="NotFound")
            return detail(found, world)
    raise AssertionError((request.method, rest))


async def _add(world: "World", request: Request[Any]) -> ModelDetail:
    assert request.file is not None
    fields = request.file.fields
    if fields["name"] in [each.name for each in world.models]:
        raise Conflict("there is a model of that name; choose another one", code=409, type="Conflict", field="name")
    world.uploaded.append(request.file)
    added = model(fields["name"], framework=fields["framework"], is_custom=True, is_validated=False)
    world.models.append(added)
    return detail(added, world)


async def _validate(world: "World", name: str) -> Any:
    from tests.tui.fake import task

    new = task(max(world.tasks) + 1, task_type=TaskType.VALIDATION, model=name, parameters={})
    world.models = [m.model_copy(update={"is_validated": False}) if m.name == name else m for m in world.models]
    await world.put(new)
    return new


async def _wish(world: "World", name: str, verb: str, worker: str | None) -> list[Worker]:
    asked = []
    for each in list(world.machines.workers.values()):
        if worker in (None, each.id):
            changed = each.model_copy(update={"model_wishes": {name: verb}})
            await world.change_worker(changed)
            asked.append(changed)
    return asked


async def structures(world: "World", request: Request[Any], rest: list[str]) -> Any:
    match (request.method, rest):
        case ("POST", []):
            return await _upload(world, request)
        case ("GET", []):
            return world.structures
        case ("GET", ["sets"]):
            return world.sets
        case ("PUT", ["sets", name]):
            saved = StructureSet(name=name, structure_ids=request.json["structure_ids"])
            world.sets = [*(each for each in world.sets if each.name != name), saved]
            return saved
        case ("DELETE", [id]):
            return await _remove(world, int(id))
        case ("GET", [id]):
            return next(each for each in world.structures if each.id == int(id))
        case ("GET", [id, "geometry"]):
            if int(id) in world.lost:
                raise NotFound(f"the file of structure {id} is gone", code=404, type="NotFound")
            return Geometry(**geometry())
    raise AssertionError((request.method, rest))


async def _upload(world: "World", request: Request[Any]) -> Structure:
    from tests.tui.fake import structure

    assert isinstance(request.file, File)
    if b"rubbish" in bytes(request.file.content):  # type: ignore[arg-type]
        raise Invalid("the file has no atoms; look at it", code=400, type="Invalid", field="file")
    name = request.file.fields.get("name") or request.file.name.rpartition(".")[0]
    new = structure(max(each.id for each in world.structures) + 1, name, builtin=False)
    world.structures.append(new)
    world.uploaded.append(request.file)
    await world.tell(EventType.STRUCTURE_CREATED, {"structure": new.model_dump(mode="json")})
    return new


async def _remove(world: "World", id: int) -> None:
    if any(task.structure.id == id for task in world.tasks.values()):
        raise Conflict(f"tasks refer to structure {id}; delete them first", code=409, type="Conflict")
    world.structures = [each for each in world.structures if each.id != id]
    await world.tell(EventType.STRUCTURE_DELETED, {"structure_id": id})


def task_geometry(world: "World", found: Any, frame: str) -> TaskGeometry:
    """Submitted atoms; of one that ran, those that stretched and moved; a guest in an interaction energy."""
    values: dict[str, Any] = {"task_id": found.id, "frame": frame}
    if frame == "initial" or found.status.is_waiting:
        return TaskGeometry(**geometry(), **values, source="submitted")
    if found.id in world.lost:
        raise NotFound("the files of the task were removed by their age", code=404, type="FilesRemoved")
    if found.task_type is TaskType.INTERACTION_ENERGY:
        return TaskGeometry(**geometry(guest=True), **values, source="best.extxyz", guest_indices=[6, 7, 8])
    if found.status is TaskStatus.COMPLETED:
        return TaskGeometry(**geometry(1.05, 0.4), **values, source="optimized.extxyz")
    step = found.progress.step
    return TaskGeometry(**geometry(1.01, 0.1), **values, source="trajectory.extxyz", step=step)
