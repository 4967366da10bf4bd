"""ASE's optimizers, and what they remember from one step to the next.

ASE keeps that in attributes that differ from version to version, so it is asked for with care: where it is not found,
the optimizer starts anew from the last structure, and the log says so.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from ase import Atoms
from ase.filters import Filter
from ase.optimize import BFGS, FIRE, LBFGS
from ase.optimize.optimize import Optimizer

log = logging.getLogger(__name__)

OPTIMIZERS: Mapping[str, Callable[..., Optimizer]] = {"LBFGS": LBFGS, "FIRE": FIRE, "BFGS": BFGS}


def optimizer(name: str, target: Atoms | Filter) -> Optimizer:
    """`name` is one of OPTIMIZERS."""
    return OPTIMIZERS[name](target, logfile=None)


def memory(optimizer: Optimizer) -> dict[str, Any]:
    """Arrays and numbers from which `restore` makes an optimizer that takes the same next step."""
    remember, _ = _MEMORY[type(optimizer)]
    try:
        remembered: dict[str, Any] | None = remember(optimizer)
    except AttributeError:
        remembered = None
    return {"nsteps": optimizer.nsteps, "memory": remembered}


def restore(optimizer: Optimizer, state: dict[str, Any]) -> None:
    """`optimizer` is fresh, on the structure that the other one had when `memory` was called."""
    optimizer.nsteps = state["nsteps"]
    _, recall = _MEMORY[type(optimizer)]
    try:
        if state["memory"] is None:
            raise AttributeError("nothing was kept of it")
        recall(optimizer, state["memory"])
    except (AttributeError, KeyError) as error:
        log.warning(
            "%s starts anew from the structure of step %d, since this version of ASE lets nobody set what it "
            "remembers (%s). The way to the minimum differs from that of an undisturbed run.",
            type(optimizer).__name__,
            optimizer.nsteps,
            error,
        )


def _lbfgs_memory(optimizer: Any) -> dict[str, Any]:
    method = optimizer.state
    return {
        "iteration": method.iteration,
        "s": np.array(method.s),
        "y": np.array(method.y),
        "rho": np.array(method.rho),
        "r0": optimizer.r0,
        "f0": optimizer.f0,
    }


def _recall_lbfgs(optimizer: Any, memory: dict[str, Any]) -> None:
    method = optimizer.state
    method.iteration = memory["iteration"]
    method.s, method.y, method.rho = (list(memory[name]) for name in ("s", "y", "rho"))
    optimizer.r0, optimizer.f0 = memory["r0"], memory["f0"]


def _bfgs_memory(optimizer: Any) -> dict[str, Any]:
    hessian = optimizer.state.hessian if optimizer.state is not None else None
    return {"hessian": hessian, "pos0": optimizer.pos0, "forces0": optimizer.forces0}


def _recall_bfgs(optimizer: Any, memory: dict[str, Any]) -> None:
    if memory["hessian"] is None:
        return
    # The first update only makes a method object from the initial Hessian.
    optimizer.H0 = memory["hessian"]
    optimizer.update(memory["pos0"], memory["forces0"], None, None)
    optimizer.pos0, optimizer.forces0 = memory["pos0"], memory["forces0"]
    if optimizer.state.hessian is not memory["hessian"]:
        raise AttributeError("state.hessian")


def _fire_memory(optimizer: Any) -> dict[str, Any]:
    return {"vel": optimizer.vel, "dt": optimizer.dt, "a": optimizer.a, "Nsteps": optimizer.Nsteps}


def _recall_fire(optimizer: Any, memory: dict[str, Any]) -> None:
    optimizer.vel, optimizer.dt = memory["vel"], memory["dt"]
    optimizer.a, optimizer.Nsteps = memory["a"], memory["Nsteps"]


_MEMORY: dict[type[Optimizer], tuple[Callable[[Any], dict[str, Any]], Callable[[Any, dict[str, Any]], None]]] = {
    LBFGS: (_lbfgs_memory, _recall_lbfgs),
    BFGS: (_bfgs_memory, _recall_bfgs),
    FIRE: (_fire_memory, _recall_fire),
}
