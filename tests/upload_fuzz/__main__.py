"""`python -m tests.upload_fuzz --count 2000 --seed 1`: prints one JSON line; exit status 1 when something is wrong."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from mofsim.cli import ports

from .attack import attack
from .mutations import mutants, sound


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.upload_fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--structures", type=Path, help="folder with CIFs to spoil, beside the built-in structures")
    parser.add_argument("--keep", type=Path, help="folder to leave everything in")
    options = parser.parse_args()
    uploads = mutants(options.count, options.seed, sound(options.structures))
    with tempfile.TemporaryDirectory(prefix="mofsim-uploads-") as folder:
        report = attack(options.keep or Path(folder), uploads, ports.free("127.0.0.1"))
    print(json.dumps({"seed": options.seed} | report))
    return 0 if not report["wrong"] else 1


if __name__ == "__main__":
    sys.exit(main())
