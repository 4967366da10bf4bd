"""What mofsim adds to a single point: 100 through the service against a plain ASE loop, in one run.

The same model entry, structure file and number of threads on both sides, both warm; the two take turns in blocks, so
that a drift of the machine's speed meets both. Prints one JSON line.
"""

import argparse
import json
import statistics
import time

from ase import Atoms
from service import service

from mofsim.client import Client
from mofsim.core.models import executor_entry
from mofsim.db.tables import Model
from mofsim.settings import load_settings
from mofsim.simulations.builtin import BUILTIN_MOFS
from mofsim.simulations.models import LoadedModel, load_model
from mofsim.vocabulary import TaskType
from mofsim.worker.slots import cores


def plain(model: LoadedModel, atoms: Atoms, n: int) -> float:
    """Seconds for `n` single points by ASE alone."""
    started = time.perf_counter()
    for _ in range(n):
        copy = atoms.copy()
        copy.calc = model.potential
        model.potential.reset()
        copy.get_potential_energy()
        copy.get_forces()
        copy.get_stress()
    return time.perf_counter() - started


def through_mofsim(client: Client, structure: str, model: str, n: int) -> float:
    """Seconds from the first start to the last end of `n` queued tasks."""
    item = {
        "task_type": TaskType.SINGLE_POINT,
        "model": model,
        "structure": {"source": "builtin", "name": structure},
    }
    batch = client.submit_batch([item] * n)
    ended = [client.wait(task_id) for task_id in batch.task_ids]
    assert all(task.status == "COMPLETED" for task in ended), {task.error for task in ended}
    return (ended[-1].completed_at - ended[0].started_at).total_seconds()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--structure", default="MOF-5")
    parser.add_argument("--model", default="7net-0")
    parser.add_argument("-n", type=int, default=100)
    parser.add_argument("--blocks", type=int, default=4)
    options = parser.parse_args()

    entry = load_settings().models[options.model]
    row = Model(name=options.model, framework=entry.framework, file_path=entry.checkpoint, config=entry.model_dump())
    model = load_model(executor_entry(row, "cpu"), threads=cores())
    atoms = next(mof for mof in BUILTIN_MOFS if mof.name == options.structure).build()
    per_block = options.n // options.blocks
    ase_seconds, mofsim_seconds = [], []
    with service() as client:
        through_mofsim(client, options.structure, options.model, 2)
        plain(model, atoms, 2)
        for _ in range(options.blocks):
            ase_seconds.append(plain(model, atoms, per_block) / per_block)
            mofsim_seconds.append(through_mofsim(client, options.structure, options.model, per_block) / per_block)
    ase, mofsim = statistics.mean(ase_seconds), statistics.mean(mofsim_seconds)
    report = {
        "benchmark": "overhead",
        "structure": options.structure,
        "model": options.model,
        "n": per_block * options.blocks,
        "ase_seconds_per_task": round(ase, 4),
        "mofsim_seconds_per_task": round(mofsim, 4),
        "ratio": round(mofsim / ase, 4),
        "ratio_of_each_block": [round(m / a, 3) for m, a in zip(mofsim_seconds, ase_seconds, strict=True)],
        "added_ms_per_task": round(1000 * (mofsim - ase), 1),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
