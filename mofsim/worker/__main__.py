"""`python -m mofsim.worker device|chores`: a process of the supervisor's."""

import argparse
import sys
from datetime import datetime

from mofsim import collector
from mofsim.settings import Settings


def main() -> int:
    collector.spare()
    # Only what its role needs is imported, and that after the line above.
    from mofsim import logs
    from mofsim.core.storage import Storage
    from mofsim.settings import load_settings
    from mofsim.worker import processes

    arguments = _parser().parse_args()
    processes.die_with_parent(arguments.parent)
    settings = load_settings()
    name = "chores" if arguments.role == "chores" else f"worker-{arguments.slot}"
    logs.configure(settings, name)
    logs.keep(settings, name, Storage(settings.storage.root).logs)
    return _do_chores(settings) if arguments.role == "chores" else _work(settings, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mofsim.worker")
    parser.add_argument("role", choices=["device", "chores"])
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--slot", default="cpu0")
    parser.add_argument("--gpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--until", type=datetime.fromisoformat)
    parser.add_argument("--idle-exit", type=float, metavar="SECONDS")
    return parser


def _do_chores(settings: Settings) -> int:
    from mofsim.worker import chores

    chores.run(settings)
    return 0


def _work(settings: Settings, arguments: argparse.Namespace) -> int:
    from mofsim.worker import consumer
    from mofsim.worker.shift import OVER, Shift
    from mofsim.worker.slots import Slot, SlotTaken
    from mofsim.worker.supervisor import SLOT_TAKEN

    try:
        slot = Slot(arguments.slot, arguments.gpu, arguments.threads)
        is_over = consumer.run(settings, slot, Shift(arguments.until, arguments.idle_exit))
    except SlotTaken as error:
        print(f"mofsim worker: {error}", file=sys.stderr)
        return SLOT_TAKEN
    return OVER if is_over else 0


if __name__ == "__main__":
    sys.exit(main())
