"""What a benchmark is of: its structures, and what is computed of each of them."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from mofsim.core import structure_sets
from mofsim.core.errors import Invalid, NotFound
from mofsim.db.tables import Benchmark, BenchmarkCell, Structure
from mofsim.schemas.benchmarks import ESSENTIAL, BenchmarkSubmit
from mofsim.schemas.guests import GUESTS
from mofsim.schemas.simulations import PARAMETERS, resolve
from mofsim.schemas.submission import SUBMIT, TaskSubmit, UploadedStructure
from mofsim.vocabulary import Preset, TaskType

#: of the parameters that say what the guest is
_GUEST_FIELDS = ("guest", "guest_structure", "guest_indices")


@dataclass(frozen=True)
class Kind:
    """A task type, and for an interaction energy a guest, with all parameters."""

    task_type: TaskType
    #: "" for none
    guest: str
    #: as a submit takes them
    given: Mapping[str, Any]
    parameters: Mapping[str, Any]
    #: where in the request it was asked for
    field: str

    def template(self, preset: Preset, options: Mapping[str, Any]) -> TaskSubmit:
        """The submit of all its tasks, whose model and structure are to be replaced."""
        return SUBMIT[self.task_type].model_validate(
            {
                "structure": UploadedStructure(source="upload", id=0),
                "preset": preset,
                "parameters": dict(self.given),
                "options": dict(options),
            }
        )

    def guest_elements(self, session: Session) -> Sequence[str]:
        if name := self.parameters.get("guest"):
            return GUESTS[name]
        id = self.parameters.get("guest_structure")
        guest = session.get(Structure, id) if id is not None else None
        return guest.elements if guest else ()


def definition_of(body: BenchmarkSubmit) -> dict[str, Any]:
    """As it is kept, so that a model can be added later."""
    return {
        "task_types": [each.model_dump(mode="json") for each in body.task_types],
        "guests": list(dict.fromkeys(body.guests)),
    }


def kinds_of(definition: Mapping[str, Any], preset: Preset) -> list[Kind]:
    """Raises Invalid for parameters that a task type does not take, and for what is asked for twice."""
    found: dict[tuple[TaskType, str], Kind] = {}
    for index, asked in enumerate(definition["task_types"]):
        field = f"task_types.{index}"
        for kind in _kinds(TaskType(asked["task_type"]), asked["parameters"], definition["guests"], preset, field):
            if (kind.task_type, kind.guest) in found:
                guest = f" with {kind.guest}" if kind.guest else ""
                raise Invalid(f"{kind.task_type}{guest} is asked for twice; leave one out", field=f"{field}.task_type")
            found[kind.task_type, kind.guest] = kind
    return list(found.values())


def _kinds(
    task_type: TaskType, given: Mapping[str, Any], guests: Sequence[str], preset: Preset, field: str
) -> Iterator[Kind]:
    is_bound = task_type is TaskType.INTERACTION_ENERGY
    names_its_own = any(given.get(name) is not None for name in _GUEST_FIELDS)
    for more in [{"guest": guest} for guest in guests] if is_bound and not names_its_own else [{}]:
        asked = {**given, **more}
        parameters = _resolved(task_type, preset, asked, field)
        yield Kind(task_type, _label(parameters) if is_bound else "", asked, parameters, field)


def _label(parameters: Mapping[str, Any]) -> str:
    """As mofsim.benchmark.outcomes calls a guest."""
    if parameters["guest_structure"] is not None:
        return f"structure {parameters['guest_structure']}"
    return "" if parameters["guest_indices"] else str(parameters["guest"])


def _resolved(task_type: TaskType, preset: Preset, given: Mapping[str, Any], field: str) -> dict[str, Any]:
    try:
        return resolve(task_type, preset, dict(given))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in (field, "parameters", *first["loc"]))
        words = first["msg"]
        if first["type"] == "extra_forbidden":
            words = f"is not known here; {task_type} has {', '.join(PARAMETERS[task_type].model_fields)}"
        raise Invalid(words, field=where) from error


def structure_ids(session: Session, set_name: str) -> list[int]:
    """Raises Invalid for a set that is not there."""
    if set_name == ESSENTIAL:
        return list(session.scalars(select(Structure.id).where(Structure.is_builtin).order_by(Structure.id)))
    try:
        return structure_sets.members(session, set_name)
    except NotFound as error:
        words = f"{error.detail}, and {ESSENTIAL}; `mofsim structures import DIR --set NAME` makes one"
        raise Invalid(words, field="set", type="UnknownSet") from error


def structures_of(session: Session, benchmark: Benchmark) -> list[Structure]:
    own = select(BenchmarkCell.structure_id).where(BenchmarkCell.benchmark_id == benchmark.id).distinct()
    return list(session.scalars(select(Structure).where(Structure.id.in_(own)).order_by(Structure.id)))


def fingerprint(name: str, preset: Preset, kinds: Sequence[Kind], ids: Sequence[int]) -> str:
    """The same for the same computations, in whatever order and with defaults written out or not."""
    computed = sorted(
        json.dumps([kind.task_type, kind.guest, kind.parameters], sort_keys=True, default=str) for kind in kinds
    )
    said = json.dumps([name, preset, computed, sorted(ids)])
    return hashlib.sha256(said.encode()).hexdigest()
