"""Models × structures × task types, as the tasks they stand for."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product as combinations

from pydantic import ValidationError
from sqlalchemy.orm import Session

from mofsim.core import structure_sets
from mofsim.core.errors import Invalid, NotFound
from mofsim.schemas.simulations import PARAMETERS
from mofsim.schemas.submission import (
    MAX_BATCH,
    SUBMIT,
    BuiltinStructure,
    Product,
    SetOfStructures,
    StructureRef,
    TaskStructure,
    TaskSubmit,
    UploadedStructure,
)
from mofsim.vocabulary import TaskType


@dataclass(frozen=True)
class Item:
    """One combination, and where in the request each of its parts was said."""

    task_type: TaskType
    body: TaskSubmit
    structure_field: str
    model_field: str
    type_field: str

    def said_at(self, field: str | None) -> str:
        """The field of the request that a field of the submit comes from."""
        first, _, rest = (field or "").partition(".")
        if first == "structure":
            return f"{self.structure_field}.{rest}" if rest else self.structure_field
        if first == "model":
            return self.model_field
        return f"{self.type_field}.{field}" if first == "parameters" else f"product.{field}"


def items(session: Session, product: Product) -> Iterator[Item]:
    """Those of one model and task type follow each other, so that a worker loads a model once.

    Raises Invalid.
    """
    structures = list(_structures(session, product))
    models: list[str | None] = [*product.models] or [None]
    n_tasks = len(models) * len(structures) * len(product.task_types)
    if n_tasks > MAX_BATCH:
        raise Invalid(f"makes {n_tasks} tasks; a batch has at most {MAX_BATCH}, so split it", field="product")
    templates = [_template(product, index) for index in range(len(product.task_types))]
    for (m, model), (t, template), (field, reference) in combinations(
        enumerate(models), enumerate(templates), structures
    ):
        body = template.model_copy(update={"model": model, "structure": reference})
        yield Item(product.task_types[t].task_type, body, field, f"product.models.{m}", f"product.task_types.{t}")


def _structures(session: Session, product: Product) -> Iterator[tuple[str, StructureRef]]:
    """Each with its field; sets are taken apart."""
    for index, reference in enumerate(product.structures):
        field = f"product.structures.{index}"
        if isinstance(reference, BuiltinStructure | UploadedStructure | TaskStructure):
            yield field, reference
            continue
        for id in _members(session, reference, field):
            yield field, UploadedStructure(source="upload", id=id)


def _members(session: Session, reference: SetOfStructures, field: str) -> list[int]:
    try:
        return structure_sets.members(session, reference.name)
    except NotFound as error:
        raise Invalid(error.detail, field=f"{field}.name", type="UnknownSet") from error


def _template(product: Product, index: int) -> TaskSubmit:
    """The submit of a task type, with a structure that is to be replaced."""
    wanted = product.task_types[index]
    try:
        body = SUBMIT[wanted.task_type].model_validate(
            {
                "structure": BuiltinStructure(source="builtin", name=""),
                "preset": wanted.preset or product.preset,
                "parameters": wanted.parameters,
            }
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in (f"product.task_types.{index}", *first["loc"]))
        raise Invalid(_said(first["type"], first["msg"], wanted.task_type), field=field) from error
    return body.model_copy(update={"options": product.options})


def _said(kind: str, message: str, task_type: TaskType) -> str:
    if kind != "extra_forbidden":
        return message
    known = ", ".join(PARAMETERS[task_type].model_fields)
    return f"is not known here; {task_type} has {known or 'no parameters'}"
