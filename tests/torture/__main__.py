"""`python -m tests.torture --minutes 3 --seed 7`: prints one JSON line; exit status 1 when something was lost."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from .servers import ROWS, TICKETS
from .torment import torment


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder to leave everything in")
    parser.add_argument("--rows", choices=ROWS, default="sqlite", help="where the database is")
    parser.add_argument("--tickets", choices=TICKETS, default="sqlite", help="where the queue is")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mofsim-torture-") as folder:
        report = torment(
            options.keep or Path(folder), options.seed, 60 * options.minutes, options.rows, options.tickets
        )
    print(json.dumps(report))
    return 0 if not report["wrong"] else 1


if __name__ == "__main__":
    sys.exit(main())
