"""Looks at structures in a process of its own, with little memory, and prints one JSON document.

`python -m mofsim.simulations.inspect file PATH --format auto --output NORMALISED.extxyz --max-atoms N`
`python -m mofsim.simulations.inspect builtin --output DIR`
`python -m mofsim.simulations.inspect cif NORMALISED.extxyz --output PATH.cif`

A file that cannot be used is an answer too (exit status 0); another status means a mistake in this program.
"""

import argparse
import json
import os
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .collector import spare_the_end
from .protocol import plain

if TYPE_CHECKING:
    from ase import Atoms

_FORMATS = ("auto", "cif", "xyz", "extxyz", "vasp")


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    _limit_memory(options.memory_gib)
    spare_the_end()
    print(json.dumps(plain(_document(options)), allow_nan=False))
    return 0


def _document(options: argparse.Namespace) -> Any:
    match options.what:
        case "file":
            return inspect_file(options.path, options.format, options.output, options.max_atoms, options.molecule)
        case "cif":
            return convert(options.path, options.output)
    return write_builtins(options.output)


def convert(normalised: Path, output: Path) -> dict[str, Any]:
    """Writes a normalised structure as a CIF in P 1."""
    from .frames import read_structure
    from .outputs import format_cif

    _write(output, format_cif(read_structure(normalised.read_text(encoding="utf-8"))).decode())
    return {"ok": True}


def inspect_file(path: Path, format: str, output: Path, max_atoms: int, molecule: bool = False) -> dict[str, Any]:
    """The record of an upload, whose normalised copy is then in `output`; or why it is refused."""
    from .checks import check
    from .frames import format_structure
    from .refusal import Refusal
    from .structures import read_upload

    try:
        upload = read_upload(path, format, max_atoms, molecule)
        shortest = check(upload.atoms, max_atoms)
    except Refusal as refusal:
        return {"ok": False, "error": refusal.kind, "detail": refusal.detail}
    except MemoryError:
        return {
            "ok": False,
            "error": "out_of_memory",
            "detail": "Reading the file took more memory than is allowed. Is it one structure, in its smallest cell?",
        }
    except OSError as error:
        return {"ok": False, "error": "unreadable", "detail": f"The file cannot be opened: {error.strerror}."}
    _write(output, format_structure(upload.atoms))
    return {"format": upload.format, **_record(upload.atoms, shortest), "notes": upload.notes}


def write_builtins(folder: Path) -> list[dict[str, Any]]:
    """Writes NAME.extxyz and NAME.cif of each built-in MOF; their records."""
    from .builtin import BUILTIN_MOFS
    from .checks import check
    from .frames import format_structure
    from .outputs import format_cif

    records = []
    for mof in BUILTIN_MOFS:
        atoms = mof.build()
        _write(folder / f"{mof.name}.extxyz", format_structure(atoms))
        _write(folder / f"{mof.name}.cif", format_cif(atoms).decode())
        about = {"name": mof.name, "description": mof.description, "reference": mof.reference}
        records.append({**about, "format": "extxyz", **_record(atoms, check(atoms, len(atoms))), "notes": []})
    return records


def _record(atoms: "Atoms", shortest_distance_A: float) -> dict[str, Any]:
    from .geometry import cell_parameters

    return {
        "ok": True,
        "formula": atoms.get_chemical_formula("hill"),
        "n_atoms": len(atoms),
        "elements": sorted(set(atoms.symbols)),
        "volume_A3": atoms.cell.volume,
        "cell_parameters": cell_parameters(atoms),
        "shortest_distance_A": shortest_distance_A,
    }


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def _limit_memory(gib: float) -> None:
    """Before numpy is imported: each thread of its BLAS takes address space."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    limit = int(gib * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mofsim.simulations.inspect", description=__doc__)
    parser.add_argument("--memory-gib", type=float, default=4.0, help="address space of this process (4)")
    commands = parser.add_subparsers(dest="what", required=True)
    file = commands.add_parser("file", help="check one file and write its normalised copy")
    file.add_argument("path", type=Path)
    file.add_argument("--format", choices=_FORMATS, default="auto")
    file.add_argument("--output", type=Path, required=True, help="where the normalised extXYZ goes")
    file.add_argument("--max-atoms", type=int, default=10_000)
    file.add_argument("--molecule", action="store_true", help="an XYZ file may lack a cell; it gets a box of vacuum")
    cif = commands.add_parser("cif", help="write a normalised copy as a CIF")
    cif.add_argument("path", type=Path)
    cif.add_argument("--output", type=Path, required=True, help="where the CIF goes")
    builtin = commands.add_parser("builtin", help="write the built-in MOFs")
    builtin.add_argument("--output", type=Path, required=True, help="a folder that exists")
    return parser


if __name__ == "__main__":
    sys.exit(main())
