"""The pictures of README and docs: what each shows, and the keys that lead there."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from mofsim.client import Client
from mofsim.schemas.tasks import Task
from mofsim.vocabulary import TaskStatus, TaskType
from scripts.picturing import house
from scripts.picturing.cells import Picture
from scripts.picturing.console import Screens

RUNNING, COMPLETED = TaskStatus.RUNNING, TaskStatus.COMPLETED


@dataclass(frozen=True)
class Shot:
    name: str
    title: str
    picture: Picture


class Missing(Exception):
    """The server has nothing that this picture could show."""


async def of_server(shown: Screens, client: Client, only: Sequence[str] = ()) -> AsyncIterator[Shot]:
    """Those of real tasks; `only` these, or all. Nothing is changed on the server."""
    for name, (title, steps) in REAL.items():
        if not only or name in only:
            try:
                await steps(shown, client)
            except Missing as missing:
                print(f"no {name}: {missing}", flush=True)
            else:
                yield Shot(name, title, await shown.picture())


async def of_demo(shown: Screens, only: Sequence[str] = ()) -> AsyncIterator[Shot]:
    """Those of simulated devices, which say so."""
    for name, (title, key, text) in DEMO.items():
        if not only or name in only:
            await shown.home(key)
            await shown.sees("DEMO", text)
            yield Shot(name, title, await shown.picture())


def newest(client: Client, task_type: TaskType, status: TaskStatus, model: str | None = None, n: int = 1) -> list[Task]:
    tasks = client.tasks(task_type=[task_type], status=[status], model=[model] if model else ()).items
    # Those that were computed: of others the history says little.
    tasks = [task for task in tasks if task.reused_from is None] or tasks
    if len(tasks) < n:
        raise Missing(f"no {task_type} is {status}")
    return tasks


def live(client: Client) -> Task:
    """A relaxation that runs, which made most steps."""
    running = newest(client, TaskType.OPTIMIZATION, RUNNING)
    return max(running, key=lambda task: task.progress.step or 0)


async def dashboard(shown: Screens, client: Client) -> None:
    await shown.home("1")


async def tasks(shown: Screens, client: Client) -> None:
    await shown.point_at(live(client))


async def plot(shown: Screens, client: Client) -> None:
    await shown.open(live(client).id)
    await shown.sees("goal")


async def result(shown: Screens, task: Task) -> None:
    await shown.open(task.id)
    await shown.press("tab", "tab", "tab")


async def equation_of_state(shown: Screens, client: Client) -> None:
    await result(shown, newest(client, TaskType.BULK_MODULUS, COMPLETED)[0])


async def heat_capacity(shown: Screens, client: Client) -> None:
    await result(shown, newest(client, TaskType.HEAT_CAPACITY, COMPLETED)[0])


async def inputs(shown: Screens, client: Client) -> None:
    await result(shown, newest(client, TaskType.BULK_MODULUS, COMPLETED)[0])
    await shown.press("tab")


async def history(shown: Screens, client: Client) -> None:
    await inputs(shown, client)
    await shown.press("tab")


async def atoms(shown: Screens, client: Client) -> None:
    relaxed = newest(client, TaskType.OPTIMIZATION, COMPLETED)
    large = [task for task in relaxed if task.structure and task.structure.name == house.LARGE]
    await shown.open((large or relaxed)[0].id)
    await shown.press("tab", "tab")


async def logs(shown: Screens, client: Client) -> None:
    """Where a worker took its newest task, among the requests that the server tells of."""
    await shown.home("4")
    await shown.type("/task taken")
    await shown.press("enter")
    await shown.sees("task taken  ")


async def models(shown: Screens, client: Client) -> None:
    await shown.home("6")
    await shown.sees("7net-0")


async def structures(shown: Screens, client: Client) -> None:
    await shown.home("7")
    await shown.sees("HKUST-1")


async def submit(shown: Screens, client: Client) -> None:
    await shown.home()
    await shown.press("n")
    await shown.sees("MOF-5")
    await shown.type("uio")
    await shown.press("enter")


async def many(shown: Screens, client: Client) -> None:
    await shown.home()
    await shown.press("N")
    await shown.sees("MOF-5")
    # A line that is ticked hands the cursor on; the default model and the relaxation are ticked from the start.
    await shown.press("asterisk", "tab", "j", "space", "tab", "j", "j", "j", "space", "space")


async def compare(shown: Screens, client: Client) -> None:
    """Relaxations of one structure with two models."""
    relaxed = client.tasks(task_type=[TaskType.OPTIMIZATION], status=[COMPLETED]).items
    pairs = ((a, b) for a in relaxed for b in relaxed if a.structure == b.structure and a.model < b.model)
    pair = next(pairs, None) or newest(client, TaskType.OPTIMIZATION, COMPLETED, n=2)[:2]
    await shown.home()
    await shown.type("/status:done type:optimization id:" + ",".join(str(task.id) for task in pair))
    await shown.press("enter")
    await shown.until(lambda: shown.app.session.store.window.total == len(pair), "the filter shows two tasks")
    await shown.press("g", "space", "j", "space", "C")
    await shown.sees("differ")


async def benchmark(shown: Screens, client: Client) -> None:
    benchmarks = client.benchmarks().items
    if not benchmarks:
        raise Missing("there is no benchmark")
    await shown.home("8")
    await shown.sees(benchmarks[0].name)
    await shown.press("enter")
    await shown.sees("MOF-5")


REAL = {
    "dashboard": ("The dashboard of mofsim's console: what needs somebody, devices, queue, failures", dashboard),
    "tasks": ("The list of tasks; below it the task under the cursor, live", tasks),
    "plot": ("A relaxation while it runs: energy and largest force by step, and its log", plot),
    "result-eos": ("The result of a bulk modulus, with its equation of state", equation_of_state),
    "result-cv": ("The result of a heat capacity, with Cv(T)", heat_capacity),
    "inputs": ("What a task was computed with", inputs),
    "history": ("What happened to a task", history),
    "atoms": ("The atoms of a relaxed structure, and what changed", atoms),
    "compare": ("Two relaxations side by side", compare),
    "logs": ("The logs of server and workers", logs),
    "models": ("The models, and what is known of the one under the cursor", models),
    "structures": ("The structures, and the one under the cursor", structures),
    "submit": ("The form for a new task", submit),
    "many": ("The form for many tasks at once", many),
    "benchmark": ("The matrix of a benchmark that goes on", benchmark),
}
#: Title, the key of the screen, and what is there then.
DEMO = {
    "workers": ("Four GPUs and a laptop, all simulated (mofsim tui --demo): state, memory, charts", "3", "gpu"),
    "alerts": ("Alerts of simulated devices (mofsim tui --demo)", "5", "▲"),
}
