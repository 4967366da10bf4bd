"""The guest of an interaction energy: whether it can be computed, and which structure it is."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from mofsim.core.errors import Invalid
from mofsim.db.tables import Model, Structure
from mofsim.schemas.guests import GUESTS

#: more is no guest: its own energy is that of a framework
MAX_ATOMS = 200


def check(session: Session, parameters: dict[str, Any], structure: Structure, model: Model) -> None:
    """Raises Invalid with the parameter; `parameters` are resolved, and those of any task type."""
    if indices := parameters.get("guest_indices"):
        _check_indices(indices, structure)
    if (guest_id := parameters.get("guest_structure")) is not None:
        guest = _uploaded(session, guest_id)
        _check_elements("guest_structure", guest.name, guest.elements, model)
    if name := parameters.get("guest"):
        _check_elements("guest", name, GUESTS[name], model)


def structure(session: Session, parameters: dict[str, Any]) -> Structure | None:
    """An uploaded guest; None where the guest is none, or its structure is gone."""
    guest_id = parameters.get("guest_structure")
    return session.get(Structure, guest_id) if guest_id is not None else None


def _check_indices(indices: list[int], structure: Structure) -> None:
    if max(indices) >= structure.n_atoms or len(set(indices)) == structure.n_atoms:
        raise Invalid(
            f"must name some of the {structure.n_atoms} atoms of {structure.name}, counted from 0, and leave the host",
            field="parameters.guest_indices",
        )


def _uploaded(session: Session, guest_id: int) -> Structure:
    guest = session.get(Structure, guest_id)
    if guest is None:
        raise Invalid(
            f"there is no structure {guest_id}; upload the molecule first (POST /api/v1/structures)",
            field="parameters.guest_structure",
            type="UnknownStructure",
        )
    if guest.n_atoms > MAX_ATOMS:
        raise Invalid(
            f"{guest.name} has {guest.n_atoms} atoms; a guest may have {MAX_ATOMS}", field="parameters.guest_structure"
        )
    return guest


def _check_elements(field: str, name: str, elements: Sequence[str], model: Model) -> None:
    known = model.config.get("elements") or []
    unknown = sorted(set(elements) - set(known)) if known else []
    if unknown:
        raise Invalid(
            f"model {model.name} was not trained on {', '.join(unknown)}, which the guest {name} contains; "
            "choose a model that covers them (`mofsim models list`)",
            field=f"parameters.{field}",
            type="UnknownElement",
        )
