"""`python -m tests.upload_fuzz.reader COUNT SEED FOLDER`: reads mutants as the server does.

All in one process with the reader's own limit of memory; starting it anew for each file, as the server does, takes
most of the time. One JSON line for each: what was said of it, and what is not as it should be.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from mofsim.simulations.inspect import _limit_memory, inspect_file

from .mutations import Upload, mutants, sound
from .sanity import faults

MAX_ATOMS = 20_000


def main(count: int, seed: int, folder: Path) -> None:
    _limit_memory(4.0)
    for number, upload in enumerate(mutants(count, seed, sound())):
        began = time.process_time()
        told = _read(upload, folder)
        seconds = round(time.process_time() - began, 2)
        print(json.dumps({"number": number, "mutation": upload.mutation, "seconds": seconds} | told), flush=True)


def _read(upload: Upload, folder: Path) -> dict[str, Any]:
    path, output = folder / "upload", folder / "structure.extxyz"
    output.unlink(missing_ok=True)
    path.write_bytes(upload.content)
    fields = upload.fields
    try:
        record = inspect_file(path, fields.get("format", "auto"), output, MAX_ATOMS, "molecule" in fields)
        # It goes to the server as JSON.
        json.dumps(record, allow_nan=False)
    except Exception as error:
        return {"said": "nothing", "wrong": [f"{type(error).__name__}: {error}"[:300]]}
    if not record["ok"]:
        is_told = bool(record["detail"]) and not output.exists()
        return {"said": record["error"], "wrong": [] if is_told else ["refused without a word, or with a copy"]}
    return {"said": "accepted", "wrong": faults(record, output.read_text(encoding="utf-8"))}


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
