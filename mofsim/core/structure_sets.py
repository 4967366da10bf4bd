"""Named sets of structures, such as those of a benchmark."""

import re
from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mofsim.core.errors import Invalid, NotFound
from mofsim.db.tables import Structure, StructureSetMember
from mofsim.schemas.benchmarks import ESSENTIAL
from mofsim.schemas.resources import StructureSet

_NAME = re.compile(r"[\w+-][\w.+-]{0,99}")
#: ids in one statement; databases take so many values and not many more
_CHUNK = 500


def listing(session: Session) -> list[StructureSet]:
    members: dict[str, list[int]] = {}
    for row in session.scalars(select(StructureSetMember).order_by("name", "structure_id")):
        members.setdefault(row.name, []).append(row.structure_id)
    return [StructureSet(name=name, structure_ids=ids) for name, ids in members.items()]


def members(session: Session, name: str) -> list[int]:
    """The ids of its structures; raises NotFound for a set that is not there."""
    ids = list(
        session.scalars(
            select(StructureSetMember.structure_id).where(StructureSetMember.name == name).order_by("structure_id")
        )
    )
    if not ids:
        known = ", ".join(session.scalars(select(StructureSetMember.name).distinct().order_by("name")))
        raise NotFound(f"there is no set of structures {name[:100]!r}; there are {known or 'none'}", field="name")
    return ids


def replace(session: Session, name: str, structure_ids: Sequence[int]) -> StructureSet:
    """Make the set hold exactly these. Raises Invalid for an odd name or a structure that is not there."""
    if not _NAME.fullmatch(name):
        raise Invalid("must be 1 to 100 letters, digits and _ . + -, and not begin with a dot", field="name")
    if name == ESSENTIAL:
        raise Invalid(f"{ESSENTIAL} is what benchmarks call the built-in structures; take another name", field="name")
    wanted = sorted(set(structure_ids))
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        missing = set(chunk) - set(session.scalars(select(Structure.id).where(Structure.id.in_(chunk))))
        if missing:
            raise Invalid(
                f"there is no structure {min(missing)}; upload it first (POST /api/v1/structures)",
                field=f"structure_ids.{list(structure_ids).index(min(missing))}",
                type="UnknownStructure",
            )
    session.execute(delete(StructureSetMember).where(StructureSetMember.name == name))
    session.add_all(StructureSetMember(name=name, structure_id=id) for id in wanted)
    return StructureSet(name=name, structure_ids=wanted)


def forget(session: Session, name: str) -> None:
    """The structures stay. Raises NotFound."""
    members(session, name)
    session.execute(delete(StructureSetMember).where(StructureSetMember.name == name))


def holding(session: Session, structure_id: int) -> list[str]:
    """The names of the sets that a structure is in."""
    query = select(StructureSetMember.name).where(StructureSetMember.structure_id == structure_id)
    return list(session.scalars(query.order_by("name")))
