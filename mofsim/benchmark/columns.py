"""Which rows may share a column: those of one model, preset, precision and dispersion, with the same parameters."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mofsim.schemas.batches import BatchRow
from mofsim.schemas.scores import Column
from mofsim.schemas.simulations import resolve
from mofsim.vocabulary import Preset, TaskType

#: parameters that belong to a structure or to chance, so that they make no other protocol
_OF_A_TASK = frozenset({"guest", "guest_structure", "guest_indices", "seed"})


@dataclass(frozen=True)
class _Identity:
    """What a result tells of the potential that made it. All None: the task did not come so far."""

    model_sha256: str | None
    dtype: str | None
    d3: bool | None
    d3_settings: str | None

    @property
    def is_known(self) -> bool:
        return self != _Identity(None, None, None, None)


@dataclass
class _Group:
    model: str
    identity: _Identity
    preset: Preset
    changed: dict[str, Any]
    rows: list[BatchRow] = field(default_factory=list)


def columns_of(rows: Sequence[BatchRow]) -> tuple[list[Column], dict[int, str]]:
    """The columns, and the id of the column of each task.

    What was changed for all tasks of a type belongs to the column of the model; what was changed for some of them makes
    a column of its own.
    """
    potentials: dict[tuple[str, _Identity, Preset], list[BatchRow]] = {}
    known = _known(rows)
    for row in rows:
        potentials.setdefault((row.model, _identity_or_only(row, known), row.preset), []).append(row)
    groups = [group for about, own in potentials.items() for group in _split(*about, own)]
    ordered = sorted(groups, key=lambda g: (g.model, g.preset, str(g.identity), bool(g.changed), json.dumps(g.changed)))
    found = [_column(f"c{number}", group, ordered) for number, group in enumerate(ordered, start=1)]
    of_task = {row.task_id: column.id for column, group in zip(found, ordered, strict=True) for row in group.rows}
    return found, of_task


def _split(model: str, identity: _Identity, preset: Preset, rows: Sequence[BatchRow]) -> list[_Group]:
    changes = {row.task_id: changed_parameters(row) for row in rows}
    variants: dict[TaskType, set[str]] = {}
    for row in rows:
        variants.setdefault(row.task_type, set()).add(json.dumps(changes[row.task_id], sort_keys=True))
    main = _Group(model, identity, preset, {})
    others: dict[str, _Group] = {}
    for row in rows:
        own = changes[row.task_id]
        if own and len(variants[row.task_type]) > 1:
            about = json.dumps(own, sort_keys=True)
            others.setdefault(about, _Group(model, identity, preset, own)).rows.append(row)
        else:
            main.rows.append(row)
            main.changed |= own
    return [*([main] if main.rows else []), *others.values()]


def changed_parameters(row: BatchRow) -> dict[str, Any]:
    """What is not as the preset has it, by task type and name."""
    default = resolve(row.task_type, row.preset, {})
    return {
        f"{row.task_type}.{name}": value
        for name, value in sorted(row.parameters.items())
        if name not in _OF_A_TASK and default.get(name) != value
    }


def _identity(row: BatchRow) -> _Identity:
    settings = json.dumps(row.d3_settings, sort_keys=True) if row.d3_settings else None
    return _Identity(row.model_sha256, row.dtype, row.d3, settings)


def _known(rows: Iterable[BatchRow]) -> dict[str, set[_Identity]]:
    found: dict[str, set[_Identity]] = {}
    for row in rows:
        found.setdefault(row.model, set()).update({_identity(row)} if _identity(row).is_known else ())
    return found


def _identity_or_only(row: BatchRow, known: dict[str, set[_Identity]]) -> _Identity:
    """A task that failed too early to tell belongs to the model's results, where these are all of one potential."""
    own, others = _identity(row), known[row.model]
    return next(iter(others)) if not own.is_known and len(others) == 1 else own


def _column(id: str, group: _Group, groups: Sequence[_Group]) -> Column:
    identity = group.identity
    return Column(
        id=id,
        label=_label(group, groups),
        model=group.model,
        model_sha256=identity.model_sha256,
        preset=group.preset,
        dtype=identity.dtype,
        d3=identity.d3,
        d3_settings=json.loads(identity.d3_settings) if identity.d3_settings else None,
        changed=group.changed,
        is_published_protocol=group.preset is Preset.MOFSIMBENCH and not group.changed,
        devices=sorted({row.device for row in group.rows if row.device}),
        mofsim=sorted({row.mofsim for row in group.rows if row.mofsim}),
        n_tasks=len(group.rows),
    )


def _label(group: _Group, groups: Sequence[_Group]) -> str:
    """No two columns have the same: what is never shown of one alone is shown where it tells two apart."""
    identity = group.identity
    dispersion = {True: "D3", False: "no D3", None: "D3 not known"}[identity.d3]
    parts = [group.model, str(group.preset), identity.dtype or "precision not known", dispersion]
    parts += _changes(group, groups)
    alike = [g for g in groups if (g.model, g.preset, g.changed) == (group.model, group.preset, group.changed)]
    if len({g.identity.model_sha256 for g in alike}) > 1:
        parts.append(f"weights {(identity.model_sha256 or 'not known')[:8]}")
    if len({g.identity.d3_settings for g in alike if g.identity.d3}) > 1 and identity.d3:
        parts.append(f"D3 {identity.d3_settings}")
    return " · ".join(parts)


def _changes(group: _Group, groups: Sequence[_Group]) -> list[str]:
    """One is named, and more are counted, where that tells the column from others; the notes name them all."""
    named = [f"{name}={value}" for name, value in group.changed.items()]
    alike = [g for g in groups if (g.model, g.preset, len(g.changed)) == (group.model, group.preset, len(named))]
    return named if len(named) < 2 or len(alike) > 1 else [f"{len(named)} parameters changed"]
