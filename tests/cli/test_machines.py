"""GPUs with who computes on them, and the machines that they are in."""

from mofsim.client import Client
from tests.client.running import Hands

from .conftest import Mofsim

OURS = {"pid": 7, "memory_MB": 900.0, "name": "python -m mofsim.simulations", "user": "ada", "worker_id": "box:gpu0"}
FOREIGN = {"pid": 8, "memory_MB": 50.0, "name": "python train.py", "user": "ben", "worker_id": None}
UNSEEN = {"pid": 9, "memory_MB": None, "name": None, "user": None, "worker_id": None}


def test_a_gpu_tells_who_else_computes_on_it(own_mofsim: Mofsim, own_client: Client, hands: Hands) -> None:
    hands.see("box", "GPU-0", [OURS, FOREIGN, UNSEEN])
    row = own_mofsim("gpus").stdout.splitlines()[1]
    assert "python train.py (ben, 8), ? (?, 9)" in row and "simulations" not in row
    [gpu] = own_mofsim("gpus", "--json").document
    assert gpu["processes"] == [OURS, FOREIGN, UNSEEN]


def test_machines_tell_their_cores_load_and_memory(own_mofsim: Mofsim, own_client: Client, hands: Hands) -> None:
    hands.see("box", "GPU-0")
    titles, row = own_mofsim("hosts").stdout.splitlines()
    assert titles.split()[:4] == ["HOST", "CORES", "BUSY", "%"] and row.split()[:5] == [
        "box",
        "4",
        "25",
        "1.0",
        "4000/16000",
    ]
    assert own_mofsim("hosts", "--json").document[0]["memory_total_MB"] == 16_000
