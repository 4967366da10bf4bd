import ctypes
import shutil
import subprocess
import sys
from typing import Any

import pytest

from mofsim.worker.gpu import Gpu
from mofsim.worker.gpus import GpuReader, list_gpus, visible

from .fake_nvml import LIBRARY, FakeNvml, uuid
from .fake_nvml.reader import reading

#: how a field is called in the fake NVML, and what it gives
_FIELDS = {
    "name": ["name"],
    "memory": ["memory_total_MB", "memory_used_MB"],
    "utilisation": ["utilisation_percent"],
    "temperature": ["temperature_C"],
    "power": ["power_W"],
    "power_limit": ["power_limit_W"],
    "processes": ["processes"],
    "ecc": ["ecc_errors"],
}
#: what is None of a healthy GPU
_NOTHING = ["xid", "xid_at", "fault"]


def read_once(nvml: FakeNvml) -> list[dict[str, Any]]:
    with reading(nvml.env()) as reader:
        return reader.read()


def test_every_field_of_two_healthy_gpus_is_read_in_its_unit(fake_nvml: FakeNvml) -> None:
    first, second = read_once(fake_nvml)
    assert first == {
        "id": uuid(0),
        "index": 0,
        "name": "NVIDIA H100 80GB HBM3",
        "memory_total_MB": 85899.34592,
        "memory_used_MB": 1073.741824,
        "utilisation_percent": 90,
        "temperature_C": 60,
        "power_W": 350.5,
        "power_limit_W": 700,
        "processes": [{"pid": 4242, "memory_MB": 1073.741824}],
        "ecc_errors": 0,
        "xid": None,
        "xid_at": None,
        "fault": None,
    }
    assert (second["id"], second["index"]) == (uuid(1), 1)
    assert (second["memory_used_MB"], second["power_W"]) == (2147.483648, 351.5)


@pytest.mark.parametrize("error", ["NOT_SUPPORTED", "NO_PERMISSION", "FUNCTION_NOT_FOUND", "UNKNOWN"])
@pytest.mark.parametrize("field", _FIELDS)
def test_a_refused_field_is_not_known_and_the_others_are(fake_nvml: FakeNvml, field: str, error: str) -> None:
    fake_nvml.set(f"gpu 0 refuse {field} {error}")
    gpu, other = read_once(fake_nvml)
    assert [name for name, value in gpu.items() if value is None] == [*_FIELDS[field], *_NOTHING]
    assert [name for name, value in other.items() if value is None] == _NOTHING


def test_a_zero_that_was_measured_stays_a_zero(fake_nvml: FakeNvml) -> None:
    fake_nvml.set("gpu 0 memory_used 0", "gpu 0 utilisation 0", "gpu 0 power 0")
    gpu = read_once(fake_nvml)[0]
    assert (gpu["memory_used_MB"], gpu["utilisation_percent"], gpu["power_W"]) == (0, 0, 0)


def test_a_gpu_without_processes_has_an_empty_list_of_them(fake_nvml: FakeNvml) -> None:
    fake_nvml.unset("gpu 0 process")
    assert read_once(fake_nvml)[0]["processes"] == []


def test_a_process_whose_memory_is_not_available_is_listed(fake_nvml: FakeNvml) -> None:
    fake_nvml.set("gpu 0 process 4343 ?")
    assert {"pid": 4343, "memory_MB": None} in read_once(fake_nvml)[0]["processes"]


def test_a_name_that_is_no_utf8_is_not_known(fake_nvml: FakeNvml) -> None:
    fake_nvml.set("gpu 0 name \udcf8")
    assert read_once(fake_nvml)[0]["name"] is None


def test_memory_comes_from_version_1_where_version_2_is_refused(fake_nvml: FakeNvml) -> None:
    fake_nvml.set("v2memory no")
    gpu = read_once(fake_nvml)[0]
    assert (gpu["memory_total_MB"], gpu["memory_used_MB"]) == (85899.34592, 1073.741824 * 1.5)


def test_an_older_driver_without_the_newest_functions_tells_memory_and_processes(
    older_nvml: FakeNvml,
) -> None:
    gpu = read_once(older_nvml)[0]
    assert gpu["memory_total_MB"] == 85899.34592
    assert gpu["processes"] == [{"pid": 4242, "memory_MB": 1073.741824}]


@pytest.mark.parametrize("failure", ["error GPU_IS_LOST", "refuse handle UNKNOWN", "refuse uuid GPU_IS_LOST"])
def test_a_gpu_that_gets_lost_stays_in_the_list_with_its_fault(fake_nvml: FakeNvml, failure: str) -> None:
    with reading(fake_nvml.env()) as reader:
        reader.read()
        fake_nvml.set(f"gpu 1 {failure}")
        healthy, lost = reader.read()
    assert (healthy["fault"], healthy["temperature_C"]) == (None, 60)
    assert (lost["id"], lost["index"], lost["temperature_C"]) == (uuid(1), 1, None)
    assert "lost" in lost["fault"] or "cannot reach this GPU" in lost["fault"]


def test_a_lost_gpu_that_answers_again_has_no_fault(fake_nvml: FakeNvml) -> None:
    with reading(fake_nvml.env()) as reader:
        reader.read()
        fake_nvml.set("gpu 1 error GPU_IS_LOST")
        assert reader.read()[1]["fault"]
        fake_nvml.unset("gpu 1 error")
        assert reader.read()[1]["fault"] is None


@pytest.mark.parametrize("field", _FIELDS)
def test_a_gpu_that_any_call_finds_lost_has_a_fault(fake_nvml: FakeNvml, field: str) -> None:
    fake_nvml.set(f"gpu 0 refuse {field} GPU_IS_LOST")
    assert read_once(fake_nvml)[0]["fault"].startswith("GPU is lost")


def test_a_gpu_that_needs_a_reset_says_how(fake_nvml: FakeNvml) -> None:
    fake_nvml.set("gpu 1 refuse utilisation RESET_REQUIRED")
    gpu = read_once(fake_nvml)[1]
    assert "nvidia-smi --gpu-reset -i 1" in gpu["fault"]
    assert (gpu["utilisation_percent"], gpu["temperature_C"]) == (None, 61)


def test_a_gpu_that_was_lost_from_the_start_is_left_out_and_the_reason_logged_once(fake_nvml: FakeNvml) -> None:
    fake_nvml.set("gpu 0 error GPU_IS_LOST")
    with reading(fake_nvml.env()) as reader:
        assert [gpu["index"] for gpu in reader.read()] == [1]
        reader.read()
    assert reader.log.count("GPU 0 left out: GPU is lost") == 1


def test_where_no_gpu_was_ever_reached_the_reason_is_theirs(fake_nvml: FakeNvml) -> None:
    fake_nvml.set("gpu 0 error GPU_IS_LOST", "gpu 1 refuse handle NO_PERMISSION")
    with reading(fake_nvml.env()) as reader:
        assert reader.read() == []
    assert reader.why and reader.why.startswith("GPU 0: GPU is lost")
    assert "GPU 1: the NVIDIA driver cannot reach this GPU: Insufficient Permissions" in reader.why


def test_a_gpu_that_the_driver_lists_no_more_keeps_its_uuid_when_the_indices_move(fake_nvml: FakeNvml) -> None:
    with reading(fake_nvml.env()) as reader:
        reader.read()
        fake_nvml.set("reload 1", "count 1", f"gpu 0 uuid {uuid(1)}")
        by_id = {gpu["id"]: gpu for gpu in reader.read()}
    assert by_id[uuid(1)]["index"] == 0 and by_id[uuid(1)]["fault"] is None
    assert "does not list this GPU any more" in by_id[uuid(0)]["fault"]


def test_a_running_reader_sees_a_gpu_get_hot_and_full(fake_nvml: FakeNvml) -> None:
    with reading(fake_nvml.env()) as reader:
        assert reader.read()[0]["temperature_C"] == 60
        fake_nvml.set("gpu 0 temperature 91", f"gpu 0 memory_used {79 * 2**30}")
        gpu = reader.read()[0]
    assert (gpu["temperature_C"], gpu["memory_used_MB"]) == (91, 84825.604096)


def test_a_running_reader_survives_a_reload_of_the_driver(fake_nvml: FakeNvml) -> None:
    with reading(fake_nvml.env()) as reader:
        before = reader.read()
        fake_nvml.set("reload 1")
        assert reader.read() == before


def test_gpus_whose_driver_goes_away_have_a_fault_until_it_is_back(fake_nvml: FakeNvml) -> None:
    with reading(fake_nvml.env()) as reader:
        before = reader.read()
        fake_nvml.set("reload 1", "init error DRIVER_NOT_LOADED")
        assert [(gpu["id"], "not loaded" in gpu["fault"]) for gpu in reader.read()] == [
            (uuid(0), True),
            (uuid(1), True),
        ]
        fake_nvml.unset("init error")
        assert reader.read() == before


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("DRIVER_NOT_LOADED", "installed but not loaded"),
        ("LIB_RM_VERSION_MISMATCH", "differ in version"),
        ("NO_PERMISSION", "no permission"),
        ("UNKNOWN", "cannot be used: Unknown Error"),
    ],
)
def test_a_driver_that_cannot_be_used_gives_no_gpus_and_the_reason(fake_nvml: FakeNvml, error: str, words: str) -> None:
    fake_nvml.set(f"init error {error}")
    with reading(fake_nvml.env()) as reader:
        assert reader.read() == []
    assert reader.why and words in reader.why


def test_a_driver_that_works_gives_no_reason(fake_nvml: FakeNvml) -> None:
    with reading(fake_nvml.env()) as reader:
        reader.read()
    assert reader.why is None


def test_a_driver_without_a_gpu_says_so(fake_nvml: FakeNvml) -> None:
    fake_nvml.set("count 0")
    with reading(fake_nvml.env()) as reader:
        assert reader.read() == []
    assert reader.why == "the NVIDIA driver finds no GPU"


def test_a_box_without_the_library_gives_no_gpus_and_the_reason(fake_nvml: FakeNvml) -> None:
    try:
        ctypes.CDLL(LIBRARY)
        pytest.skip("this box has an NVIDIA driver")
    except OSError:
        pass
    with reading(fake_nvml.env() | {"LD_LIBRARY_PATH": ""}) as reader:
        assert reader.read() == []
    assert reader.why == "no NVIDIA driver here (libnvidia-ml.so.1 not found)"


def test_listing_the_gpus_once_leaves_no_session_open(fake_nvml: FakeNvml) -> None:
    program = "import pynvml, mofsim.worker.gpus as g; print(len(g.list_gpus())); pynvml.nvmlDeviceGetCount()"
    ran = subprocess.run(
        [sys.executable, "-c", program], env=fake_nvml.env(), text=True, capture_output=True, check=False
    )
    assert ran.stdout == "2\n"
    assert "NVMLError_Uninitialized" in ran.stderr


def test_an_error_that_the_driver_tells_is_known_from_then_on(fake_nvml: FakeNvml) -> None:
    fake_nvml.set("gpu 1 xid 48")
    with reading(fake_nvml.env()) as reader:
        assert [gpu["xid"] for gpu in reader.read()] == [None, None], "what came before nobody heard"
        fake_nvml.set("gpu 1 xid 63", "gpu 1 xid 79")
        healthy, ill = reader.read()
        assert (healthy["xid"], ill["xid"]) == (None, 79) and ill["xid_at"]
        assert reader.read()[1] == ill, "each event is told once, and its time stays"
        fake_nvml.set("gpu 1 error GPU_IS_LOST")
        assert reader.read()[1]["xid"] == 79
        fake_nvml.unset("gpu 1 error")
        fake_nvml.set("reload 1")
        reader.read()
        fake_nvml.set("gpu 0 xid 95")
        assert reader.read()[0]["xid"] == 95, "a driver that was reloaded is listened to again"


@pytest.mark.parametrize("error", ["NOT_SUPPORTED", "NO_PERMISSION"])
def test_where_errors_are_not_told_nothing_else_is_lost(fake_nvml: FakeNvml, error: str) -> None:
    fake_nvml.set(f"gpu 0 refuse events {error}")
    with reading(fake_nvml.env()) as reader:
        reader.read()
        fake_nvml.set("gpu 0 xid 79", "gpu 1 xid 79")
        assert [(gpu["xid"], gpu["temperature_C"]) for gpu in reader.read()] == [(None, 60), (79, 61)]


GPUS = [Gpu(id=uuid(index), index=index) for index in (0, 1, 3)]


def test_all_gpus_are_visible_where_all_are_wanted() -> None:
    assert visible(GPUS, "all") == GPUS


def test_gpus_are_picked_by_their_index_and_not_by_their_place() -> None:
    assert visible(GPUS, [3, 0]) == [GPUS[0], GPUS[2]]


def test_an_index_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(ValueError, match="no GPU 2, 7 on this box; it has 0, 1, 3"):
        visible(GPUS, [7, 0, 2])


def test_an_index_on_a_box_without_gpus_is_named() -> None:
    with pytest.raises(ValueError, match="no GPU 0 on this box; it has none"):
        visible([], [0])


@pytest.mark.gpu
@pytest.mark.skipif(shutil.which("nvidia-smi") is None, reason="needs an NVIDIA GPU")
def test_a_real_driver_tells_the_same_as_nvidia_smi() -> None:
    query = ["nvidia-smi", "--query-gpu=index,uuid,memory.total", "--format=csv,noheader,nounits"]
    told = subprocess.run(query, text=True, capture_output=True, check=True).stdout
    rows = [row.split(", ") for row in told.splitlines()]
    assert [(gpu.index, gpu.id) for gpu in list_gpus()] == [(int(row[0]), row[1]) for row in rows]
    for gpu, row in zip(list_gpus(), rows, strict=True):
        assert gpu.memory_total_MB == pytest.approx(float(row[2]) * 2**20 / 1e6, rel=1e-3)
        assert gpu.utilisation_percent is not None and gpu.temperature_C is not None


@pytest.mark.gpu
@pytest.mark.skipif(shutil.which("nvidia-smi") is None, reason="needs an NVIDIA GPU")
def test_a_real_driver_counts_memory_errors_and_lets_errors_be_listened_to() -> None:
    """That it tells an XID only a GPU that breaks can prove."""
    with GpuReader(watch_xids=True) as reader:
        for gpu in reader.read() + reader.read():
            assert gpu.fault is None and (gpu.ecc_errors is None or gpu.ecc_errors >= 0)
            assert gpu.xid is None
