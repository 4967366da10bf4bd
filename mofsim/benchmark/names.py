"""When two names of structures mean the same one."""

import re

#: what a task's optimized structure is called, by mofsim.core.dependencies
_RELAXED = re.compile(r" relaxed by \d+$")
_ENDINGS = re.compile(r"(_primitive|_conventional)?(\.cif|\.extxyz|\.xyz|\.vasp)?$", re.IGNORECASE)
_JOINTS = re.compile(r"[\s-]")


def submitted(name: str) -> str:
    """The name of the structure that a relaxed one came from, or the name itself."""
    return _RELAXED.sub("", name)


def is_relaxed(name: str) -> bool:
    """Whether a task made the structure, so that its cell is no input of the benchmark."""
    return bool(_RELAXED.search(name))


def key(name: str) -> str:
    """MOF-5, mof-5.cif and MOF-5_primitive, or Mg-MOF-74 and MgMOF74, have the same."""
    return _JOINTS.sub("", _ENDINGS.sub("", submitted(name))).casefold()
