"""`python -m mofsim.worker device|chores`: a process of the supervisor's."""

import argparse
import sys

from mofsim import logs
from mofsim.core.storage import Storage
from mofsim.settings import load_settings
from mofsim.worker import chores, consumer, processes
from mofsim.worker.slots import Slot, SlotTaken
from mofsim.worker.supervisor import SLOT_TAKEN


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m mofsim.worker")
    parser.add_argument("role", choices=["device", "chores"])
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--slot", default="cpu0")
    parser.add_argument("--gpu")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    processes.die_with_parent(arguments.parent)
    settings = load_settings()
    name = "chores" if arguments.role == "chores" else f"worker-{arguments.slot}"
    logs.configure(settings, name)
    logs.keep(settings, name, Storage(settings.storage.root).logs)
    if arguments.role == "chores":
        chores.run(settings)
        return 0
    try:
        consumer.run(settings, Slot(arguments.slot, arguments.gpu, arguments.threads))
    except SlotTaken as error:
        print(f"mofsim worker: {error}", file=sys.stderr)
        return SLOT_TAKEN
    return 0


if __name__ == "__main__":
    sys.exit(main())
