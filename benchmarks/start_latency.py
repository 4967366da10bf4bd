"""How long an idle worker takes to start a task: from the moment a client submits it to its first step.

Prints one JSON line.
"""

import argparse
import json
import statistics
from datetime import UTC, datetime

from service import service

from mofsim.vocabulary import TaskType


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=200)
    options = parser.parse_args()
    milliseconds = []
    with service() as client:
        client.wait(client.submit(TaskType.SINGLE_POINT, "Mg-MOF-74", model="lj").id)
        for _ in range(options.n):
            submitted = datetime.now(UTC)
            task = client.wait(client.submit(TaskType.SINGLE_POINT, "Mg-MOF-74", model="lj").id)
            assert task.started_at is not None, task.error
            milliseconds.append(1000 * (task.started_at - submitted).total_seconds())
    quantiles = statistics.quantiles(milliseconds, n=100)
    report = {
        "benchmark": "start_latency",
        "n": options.n,
        "p50_ms": round(quantiles[49], 1),
        "p95_ms": round(quantiles[94], 1),
        "p99_ms": round(quantiles[98], 1),
        "max_ms": round(max(milliseconds), 1),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
