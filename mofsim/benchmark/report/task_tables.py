"""Tables of single tasks: what did not answer, what models say of a structure, and what became of the metals."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from mofsim.benchmark.metrics import METRICS, VOLUME_LIMIT_PERCENT
from mofsim.benchmark.report.numbers import UNKNOWN, number
from mofsim.benchmark.report.table import VALUES, Cell, Heading, Table, texts
from mofsim.schemas.scores import NotCovered, Outcome, Scores
from mofsim.vocabulary import TaskType, Verdict


def log_id(task_id: int) -> str:
    """Of the element that holds the end of a task's log."""
    return f"log-{task_id}"


def remarks(scores: Scores, logs: Collection[int] = ()) -> Table:
    """Every task that did not simply answer: what failed, what does not count, what is excluded, and why.

    `logs` are the tasks whose log can be gone to.
    """
    labels = {column.id: column.label for column in scores.columns}
    rows = [
        [
            Cell(what, is_bad=what == "failed"),
            Cell(named(each)),
            Cell(each.task_type),
            Cell(labels[each.column]),
            Cell(why),
            Cell(f"task {each.task_id}", address=_log_address(each, logs), is_whole=True),
        ]
        for each in scores.outcomes
        for what, why in _remarks(each)
    ]
    rows += map(_uncovered, scores.not_covered)
    heads = texts("What", "Structure", "Task type", "Model", "Why", "Task")
    return Table(heads, sorted(rows, key=lambda row: _ORDER.index(row[0].text)), "every task answered")


def _log_address(outcome: Outcome, logs: Collection[int]) -> str | None:
    return f"#{log_id(outcome.task_id)}" if outcome.task_id in logs else None


_ORDER = ("failed", "not counted", "not covered", "not ended", "excluded", "not converged", "imaginary modes")


def _remarks(outcome: Outcome) -> Iterable[tuple[str, str]]:
    if outcome.verdict is not Verdict.ANSWERED:
        word = {Verdict.FAILED: "failed", Verdict.NOT_COUNTED: "not counted", Verdict.PENDING: "not ended"}
        yield word[outcome.verdict], outcome.reason or UNKNOWN
        return
    if outcome.excluded:
        yield "excluded", outcome.excluded
    if outcome.converged is False:
        yield "not converged", "the limit of steps was reached first"
    modes = outcome.facts.get("imaginary_modes")
    if modes:
        yield "imaginary modes", f"{modes} at Γ: the structure is no minimum of this model"


def _uncovered(found: NotCovered) -> list[Cell]:
    who = (Cell(_with_guest(found.structure, found.guest)), Cell(found.task_type), Cell(found.model))
    return [Cell("not covered"), *who, Cell(found.reason), Cell(UNKNOWN)]


def named(outcome: Outcome) -> str:
    return _with_guest(outcome.structure, outcome.guest)


def _with_guest(structure: str, guest: str | None) -> str:
    return f"{structure} with {guest}" if guest else structure


def structure_table(scores: Scores, structure: str) -> Table:
    """What all models answered for one structure, beside the reference."""
    own = [each for each in scores.outcomes if each.structure == structure]
    lacking = {each.model for each in scores.not_covered if each.structure == structure}
    there = {each.column for each in own}
    columns = [column for column in scores.columns if column.id in there or column.model in lacking]
    kinds = sorted({(each.task_type, each.guest or "") for each in own}, key=lambda kind: (_type_order(kind[0]), kind))
    found = {(each.task_type, each.guest or "", each.column): each for each in own}
    rows = []
    uncovered = {
        (e.model, e.task_type, e.guest or ""): e.reason for e in scores.not_covered if e.structure == structure
    }
    for task_type, guest in kinds:
        answers = [found.get((task_type, guest, column.id)) for column in columns]
        reasons = [uncovered.get((column.model, task_type, guest)) for column in columns]
        cells = [_answer(each, reason) for each, reason in zip(answers, reasons, strict=True)]
        rows.append([_quantity(task_type, guest), _reference(answers), *cells])
    heads = (Heading("Quantity"), Heading("Reference", True), *(Heading(column.label, True) for column in columns))
    return Table(heads, rows)


def _type_order(task_type: TaskType) -> int:
    return list(METRICS).index(task_type)


def _quantity(task_type: TaskType, guest: str) -> Cell:
    title, unit = VALUES[task_type]
    return Cell(title, (unit, *([f"guest {guest}"] if guest else [])))


def _reference(answers: Sequence[Outcome | None]) -> Cell:
    known = [each for each in answers if each is not None]
    task_type = known[0].task_type
    if task_type is TaskType.STABILITY:
        return Cell(f"±{VOLUME_LIMIT_PERCENT:g}", ("what counts as stable",))
    _, unit = VALUES[task_type]
    for each in known:
        if each.reference is not None:
            cells = [each.cells] if each.cells and task_type is TaskType.OPTIMIZATION else []
            return Cell(number(each.reference, unit), tuple(cells))
    return Cell(UNKNOWN, (known[0].reference_missing or "",))


def _answer(outcome: Outcome | None, not_covered: str | None = None) -> Cell:
    if outcome is None:
        return Cell("not covered", (not_covered,)) if not_covered else Cell(UNKNOWN)
    _, unit = VALUES[outcome.task_type]
    if outcome.value is None:
        return Cell(outcome.verdict, (outcome.reason or "",), is_bad=outcome.verdict is Verdict.FAILED)
    under = []
    if outcome.error_percent is not None and outcome.error is not None:
        is_energy = outcome.task_type is TaskType.INTERACTION_ENERGY
        under.append(
            f"{signed(outcome.error, unit)} {unit}" if is_energy else f"{signed(outcome.error_percent, '%')} %"
        )
    if outcome.excluded:
        under.append("excluded")
    if outcome.converged is False:
        under.append("not converged")
    changed, metals = (outcome.facts.get(name) for name in ("metals_with_changed_coordination", "metals"))
    if changed is not None and metals:
        under.append(f"{changed} of {metals} metals changed their coordination")
    return Cell(number(outcome.value, unit), tuple(under), is_bad=_is_bad(outcome))


def _is_bad(outcome: Outcome) -> bool:
    """The steps before dynamics only make a start for it: there the drift tells."""
    if outcome.task_type is TaskType.STABILITY:
        return not outcome.facts.get("stable")
    return bool(outcome.excluded) or outcome.converged is False


def signed(value: float, unit: str) -> str:
    text = number(value, unit)
    return text if value < 0 or text == UNKNOWN else f"+{text}"


def coordination(scores: Scores) -> Table:
    """Of each metal in all structures of a column: how many sites there are, and their mean coordination numbers."""
    rows = []
    for metal in sorted({metal for each in scores.outcomes for metal in each.facts.get("coordination_by_metal") or ()}):
        for column in scores.columns:
            own = [
                found
                for each in scores.outcomes
                if each.column == column.id and (found := (each.facts.get("coordination_by_metal") or {}).get(metal))
            ]
            if own:
                rows.append(_coordination(metal, column.label, own))
    return Table(texts("Metal", "Model", "#Structures", "#Sites", "#Changed", "#Mean before", "#Mean after"), rows)


def _coordination(metal: str, label: str, found: Sequence[dict[str, Any]]) -> list[Cell]:
    sites, changed = (sum(each[name] for each in found) for name in ("sites", "changed"))
    before, after = (sum(each[when] * each["sites"] for each in found) / sites for when in ("before", "after"))
    counted = (Cell(str(len(found))), Cell(str(sites)), Cell(str(changed), is_bad=bool(changed)))
    return [Cell(metal), Cell(label), *counted, Cell(f"{before:.2f}"), Cell(f"{after:.2f}")]
