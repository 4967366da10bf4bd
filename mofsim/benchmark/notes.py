"""What must be said beside the numbers of a benchmark, so that nobody takes them for more than they are."""

from collections import Counter
from collections.abc import Iterable, Sequence

from mofsim.schemas.batches import BatchRow
from mofsim.schemas.scores import Column, NotCovered, Outcome
from mofsim.schemas.simulations import PRESETS
from mofsim.vocabulary import Preset, TaskType, Verdict

#: so many structures, or fewer, make intervals that are a hint and no more
_FEW = 10


def notes_of(
    columns: Sequence[Column],
    outcomes: Sequence[Outcome],
    repeated: Sequence[Outcome],
    unscored: Sequence[BatchRow],
    not_covered: Sequence[NotCovered] = (),
) -> list[str]:
    """Sentences, the gravest first."""
    return [
        *_quick(columns),
        *_quick_moduli(columns, outcomes),
        *_changed(columns),
        *_unfinished(outcomes),
        *_uncovered(not_covered),
        *_unknown(columns),
        *_mixed(columns),
        *_repeated(repeated),
        *_few(outcomes),
        *_unscored(unscored),
    ]


def _quick(columns: Sequence[Column]) -> Iterable[str]:
    quick = [column.label for column in columns if column.preset is Preset.QUICK]
    if quick:
        yield (
            f"Preset quick: {_listed(quick)}. Its limits are loose, for a first look. These numbers are not to be "
            "compared with published ones, the references here among them, or quoted."
        )


def _quick_moduli(columns: Sequence[Column], outcomes: Sequence[Outcome]) -> Iterable[str]:
    """The one quantity whose size, and not its digits only, hangs on how far atoms are relaxed."""
    quick = {column.id for column in columns if column.preset is Preset.QUICK}
    if any(each.task_type is TaskType.BULK_MODULUS and each.column in quick for each in outcomes):
        limits = PRESETS[TaskType.BULK_MODULUS][Preset.QUICK]
        yield (
            f"What limits bulk moduli of preset quick: {limits['points']} volumes, at each of which atoms are "
            f"relaxed to {limits['fmax_eV_per_A']:g} eV/Å in at most {limits['point_steps']} steps. What is soft "
            "is not relaxed to its end there, and a framework may seem much stiffer than the model makes it: tell "
            "models apart by preset mofsimbench."
        )


def _changed(columns: Sequence[Column]) -> Iterable[str]:
    for column in columns:
        if column.changed:
            what = _listed([f"{name} = {value}" for name, value in column.changed.items()])
            yield f"{column.label} is not the protocol of its preset: {what}."


def _unfinished(outcomes: Sequence[Outcome]) -> Iterable[str]:
    pending = sum(each.verdict is Verdict.PENDING for each in outcomes)
    if pending:
        yield f"{pending} of {len(outcomes)} tasks have not ended: the scores are those of the others, and may change."


def _uncovered(not_covered: Sequence[NotCovered]) -> Iterable[str]:
    for model in sorted({each.model for each in not_covered}):
        own = [each for each in not_covered if each.model == model]
        names = sorted({each.structure for each in own})
        shown = _listed(names if len(names) <= _FEW else [*names[:_FEW], f"{len(names) - _FEW} others"])
        tasks = "1 task is" if len(own) == 1 else f"{len(own)} tasks are"
        yield (
            f"{model} does not cover {shown}: {tasks} not computed and not counted, so its scores are over fewer "
            "structures than those of models that do."
        )


def _unknown(columns: Sequence[Column]) -> Iterable[str]:
    for column in columns:
        if column.model_sha256 is None and column.dtype is None:
            yield f"No task of {column.label} came so far as to tell its weights and precision."


def _mixed(columns: Sequence[Column]) -> Iterable[str]:
    for column in columns:
        if len(column.devices) > 1:
            yield f"{column.label} was computed on {_listed(column.devices)}: speeds are given for each alone."
        if len(column.mofsim) > 1:
            yield f"{column.label} was computed by mofsim {_listed(column.mofsim)}."


def _repeated(repeated: Sequence[Outcome]) -> Iterable[str]:
    if repeated:
        tasks = _listed([str(each.task_id) for each in repeated])
        yield f"Computed more than once, so that the newest counts and these do not: tasks {tasks}."


def _few(outcomes: Sequence[Outcome]) -> Iterable[str]:
    n = len({each.structure for each in outcomes})
    if 0 < n < _FEW:
        yield f"With {n} structure{'s' if n > 1 else ''} an interval is a hint: other structures may tell otherwise."


def _unscored(unscored: Sequence[BatchRow]) -> Iterable[str]:
    for task_type, n in sorted(Counter(row.task_type for row in unscored).items()):
        yield f"{n} tasks of type {task_type} are listed among the rows, and have no score."


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
