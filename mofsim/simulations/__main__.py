"""The executor: `python -m mofsim.simulations`, or `python /path/to/mofsim/simulations`.

The second form works for an interpreter that does not have mofsim.
"""

import argparse
import contextlib
import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def package_name() -> str:
    """The name under which this folder can be imported.

    Started as a folder, it gets its usual name under an empty `mofsim`: with the folder's parents on the path, a
    foreign interpreter would also find the packages that are installed beside mofsim.
    """
    if __package__:
        return __package__
    folder = Path(__file__).resolve().parent
    # It holds an inspect.py, which would hide the one of Python.
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != folder]
    sys.modules["mofsim"] = empty = ModuleType("mofsim")
    empty.__path__ = []
    name = "mofsim.simulations"
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"no package in {folder}")
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    return name


def main() -> int:
    parser = argparse.ArgumentParser(prog="mofsim.simulations", description=__doc__)
    parser.add_argument("--max-models", type=int, default=2, help="loaded models to keep (default 2)")
    parser.add_argument("--threads", type=int, help="threads for torch, BLAS and OpenMP (default: theirs)")
    arguments = parser.parse_args()
    if arguments.max_models < 1 or (arguments.threads is not None and arguments.threads < 1):
        parser.error("--max-models and --threads must be at least 1")
    if arguments.threads:
        # Read when the libraries are loaded, so before any import of them.
        for variable in _THREAD_VARIABLES:
            os.environ[variable] = str(arguments.threads)
    # Should the machine run out of memory, this is the process to kill: all that it was doing is kept elsewhere.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("800")
    startup = importlib.import_module(f"{package_name()}.startup")
    status: int = startup.serve(arguments.max_models, arguments.threads)
    return status


if __name__ == "__main__":
    sys.exit(main())
