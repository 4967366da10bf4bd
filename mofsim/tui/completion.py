"""What a filter line may go on with: names of fields, and values of the field that is being typed. Knows no widgets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from mofsim.tui.elements import is_metal
from mofsim.tui.query import FIELDS, GROUPS
from mofsim.tui.structure_filter import BUILT_IN, UPLOADED
from mofsim.vocabulary import Priority, TaskStatus, TaskType

if TYPE_CHECKING:
    from mofsim.tui.stock import StructureBook
    from mofsim.tui.store import Store

#: By field, the values that there are; asked for when they are needed.
Values = Mapping[str, Callable[[], Iterable[str]]]
Complete = Callable[[str], Sequence[str]]


def completions(text: str, values: Values) -> list[str]:
    """The whole text with its last word completed, in every way that there is; none where nothing begins so."""
    head, space, word = text.rpartition(" ")
    bang = "!" if word.startswith("!") else ""
    name, colon, value = word[len(bang) :].partition(":")
    begin = f"{head}{space}{bang}"
    if not colon:
        return [f"{begin}{field}:" for field in values if name and field.startswith(name.lower())]
    if name.lower() not in values:
        return []
    before, comma, last = value.rpartition(",")
    earlier = before.lower().split(",")
    known = dict.fromkeys(v for v in values[name.lower()]() if " " not in v and "," not in v)
    fitting = [v for v in known if v.lower().startswith(last.lower()) and v.lower() not in earlier]
    return [f"{begin}{name}:{before}{comma}{v}" for v in fitting if v != last]


def of_tasks(store: Store) -> Complete:
    """For the list of tasks: what is loaded, and what is known of models, structures and workers."""
    values: Values = {name: _nothing for name in FIELDS} | {
        "status": lambda: [*GROUPS, *(str(status).lower() for status in TaskStatus)],
        "type": lambda: [str(task_type) for task_type in TaskType],
        "model": lambda: sorted(store.models | {row.name for row in store.stock.models.listing.rows}),
        "structure": lambda: _structures(store),
        "since": lambda: ("1h", "12h", "1d", "1w"),
        "batch": lambda: (str(task.batch_id) for task in store.window if task.batch_id is not None),
        "gpu": lambda: sorted(id.rpartition(":")[2].removeprefix("gpu") for id in store.workers),
        "priority": lambda: [priority.name.lower() for priority in Priority],
    }
    return lambda text: completions(text, values)


def of_structures(book: StructureBook) -> Complete:
    """For lists of structures."""
    values: Values = {
        "metal": lambda: sorted({e for each in book.known for e in each.elements if is_metal(e)}),
        "element": lambda: sorted({e for each in book.known for e in each.elements}),
        "set": lambda: sorted(each.name for each in book.sets),
        "source": lambda: (BUILT_IN, UPLOADED),
        "atoms": lambda: ("<100", "<300", "<1000"),
        "volume": lambda: ("<2000", ">2000"),
    }
    return lambda text: completions(text, values)


def _structures(store: Store) -> Iterable[str]:
    yield from sorted({task.structure.name for task in store.window})
    yield from sorted(structure.name for structure in store.stock.structures.known)


def _nothing() -> Iterable[str]:
    return ()
