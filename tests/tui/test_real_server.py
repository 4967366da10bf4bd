"""The console against a real server, on a pilot and on a real terminal."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.terminal import DOWN, Terminal
from mofsim.client import AsyncClient, Client
from mofsim.tui.app import Console
from mofsim.tui.looks import UNICODE
from mofsim.vocabulary import TaskStatus
from tests.client.conftest import serve
from tests.client.running import Hands, Server
from tests.conftest import Prepared
from tests.tui.conftest import Driver


@pytest.fixture
def server(tmp_path: Path, prepared: Prepared) -> Iterator[Server]:
    yield from serve(tmp_path, prepared)


@pytest.fixture
def hands(server: Server) -> Iterator[Hands]:
    with server.hands() as hands:
        yield hands


def console(server: Server) -> Console:
    return Console(server.url, lambda: AsyncClient(server.url), glyphs=UNICODE)


async def test_a_task_is_submitted_followed_and_cancelled(server: Server, hands: Hands) -> None:
    app = console(server)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        c = Driver(app, None, pilot)  # type: ignore[arg-type]
        await c.sees("No tasks yet.")
        await c.press("n")
        await c.sees("MOF-5", "default (lj)")
        await c.type("mof-5")
        await c.press("enter")
        await c.sees("memory and time are not known yet", "no worker takes tasks now")
        await c.press("ctrl+s")
        await c.sees("relax MOF-5", "1 wait", "No worker takes tasks")
        lease = hands.take()
        await c.sees("● run", "1 run")
        hands.step(lease, 7)
        await c.sees("step 7", "0.125")
        await c.press("c", "y")
        await c.sees("● stopping")
        hands.end(lease, TaskStatus.CANCELLED)
        await c.sees("⊘ cancelled", "0 run")
        await c.press("r")
        await c.sees("◌ wait", "1 wait")


async def test_a_restarted_server_is_caught_up_with(server: Server) -> None:
    app = console(server)
    async with app.run_test(size=(120, 36)) as pilot:
        c = Driver(app, None, pilot)  # type: ignore[arg-type]
        await c.sees("No tasks yet.")
        server.stop()
        await c.sees("does not answer")
        server.start()
        with Client(server.url) as client:
            client.submit("optimization", "ZIF-8")
        await c.sees("relax ZIF-8", "● live")


async def test_a_key_that_the_server_does_not_take_is_told(server: Server) -> None:
    app = Console(server.url, lambda: AsyncClient(server.url, api_key="not one"), glyphs=UNICODE)
    async with app.run_test(size=(120, 36)) as pilot:
        c = Driver(app, None, pilot)  # type: ignore[arg-type]
        await c.sees("The key is wrong", "mofsim keys create")


async def test_a_result_is_read_saved_and_its_history_told(server: Server, hands: Hands, tmp_path: Path) -> None:
    with Client(server.url) as client:
        client.submit("single-point", "MOF-5")
        lease = hands.take()
        hands.end(lease, result={"energy_eV": -1.5}, output_files=hands.write(lease, "forces.extxyz", "numbers"))
    app = console(server)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        c = Driver(app, None, pilot)  # type: ignore[arg-type]
        await c.sees("energy MOF-5", "✓ done")
        await c.press("enter", "tab", "tab", "tab")
        await c.sees("-1.5000 eV", "forces.extxyz       7 B")
        await c.press("G", "enter")
        await c.sees("Save forces.extxyz of task")
        app.screen.query_one("#path").value = str(tmp_path / "saved")  # type: ignore[attr-defined]
        await c.press("enter")
        await c.sees("saved forces.extxyz in")
        assert (tmp_path / "saved" / "forces.extxyz").read_text() == "numbers"
        await c.press("tab")
        await c.sees("[Inputs]", "C48H24O26Zn8", "hash (SHA-256)", "framework")
        await c.press("tab")
        await c.sees("[History]", "submitted, normal priority", "completed", "by local from 127.0.0.1: submitted it")


async def test_an_alert_is_acknowledged_until_the_key_is_revoked(server: Server, hands: Hands) -> None:
    with Client(server.url) as admin:
        key = admin.create_key("ada", "submit")
        app = Console(server.url, lambda: AsyncClient(server.url, api_key=key.token), glyphs=UNICODE)
        async with app.run_test(size=(120, 36), notifications=True) as pilot:
            c = Driver(app, None, pilot)  # type: ignore[arg-type]
            await c.sees("No tasks yet.", "no worker")
            hands.alert("box:gpu0", "the GPU fell off the bus")
            await c.sees("✗ ERROR the GPU fell off the bus", "5Al¹")
            await c.press("5", "a")
            await c.sees("ack ada", "acknowledged")
            acknowledged = admin.alert(1)
            assert (acknowledged.acknowledged_by, acknowledged.resolved) == ("ada", False)
            await c.press("tab", "tab")
            await c.sees("gpu_hot", "85 °C")
            await c.press("o")
            await c.sees("this wants a key with the scope admin")
            await c.press("tab")
            hands.resolve("box:gpu0")
            await c.sees("Nothing needs you.")
            admin.revoke_key(key.id)
            await c.sees("◌ key refused", "the key was revoked", "mofsim keys create NAME")


async def test_a_worker_is_seen_drained_and_given_a_model(server: Server, hands: Hands) -> None:
    process = {"pid": 8, "memory_MB": 500.0, "name": "python train.py", "user": "ben", "worker_id": None}
    hands.register("box:cpu0")
    hands.see("box", "GPU-0", [process])
    app = console(server)
    async with app.run_test(size=(140, 36), notifications=True) as pilot:
        c = Driver(app, None, pilot)  # type: ignore[arg-type]
        await c.sees("No tasks yet.")
        with Client(server.url) as client:
            client.submit("optimization", "MOF-5")
            await c.press("3")
            await c.sees("◌ idle", "CPU 0 box", "25 %", "4.0/16 GB", "GPU 0 box", "– unused", "1.0/80 GB")
            await c.press("g")
            await c.sees("FOREIGN: python train.py of ben", "memory 1.0 of 80 GB")
            await c.press("G")
            await c.sees("cores busy 25 %", "box: 4 cores, load 1.0")
            await c.press("l")
            await c.sees("load which model on box:cpu0?")
            await c.type("lj")
            await c.press("enter")
            await c.until(lambda: [worker.model_wishes for worker in client.workers()] == [{"lj": "load"}])
            await c.press("d")
            await c.sees("‖ drained")
            assert [worker.drain for worker in client.workers()] == [True]
            await c.press("1")
            await c.sees("needs you: 2", "1 task waits and no worker takes tasks: resume one that is drained")
            await c.sees("worker drained", "normal           1")
            client.resume_worker("box:cpu0")
            await c.sees("Nothing needs you.")
            lease = hands.take()
            hands.end(lease, TaskStatus.FAILED, error_type="Broken", error_message="it broke")
            await c.sees("ended: 1/h, 1 in 24 h", "1 Broken", "lj")


async def test_filters_and_orders_are_the_servers(server: Server) -> None:
    with Client(server.url) as client:
        for name in ("MOF-5", "ZIF-8", "UiO-66"):
            client.submit("optimization", name, priority="HIGH" if name == "ZIF-8" else None)
        client.cancel(1)
    app = console(server)
    async with app.run_test(size=(120, 36)) as pilot:
        c = Driver(app, None, pilot)  # type: ignore[arg-type]
        await c.sees("1 of 3")
        await c.press("s")
        await c.until(lambda: "ZIF-8" in c.lines[4])
        await c.press("slash")
        await c.type("status:cancelled since:1h")
        await c.until(lambda: [row.id for row in app.session.store.window] == [1])
        await c.press("escape", "slash")
        await c.type("!zif")
        await c.until(lambda: sorted(row.id for row in app.session.store.window) == [1, 3])


TWO = '{}\nLattice="{a} 0 0 0 5 0 0 0 5" Properties=species:S:1:pos:R:3 pbc="T T T"{step}\nMg 0 0 0\nO 2.1 0 {z}\n'


async def test_a_structure_is_imported_pictured_and_removed(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "pair.xyz"
    file.write_text(TWO.format(2, a=5, step="", z=0))
    app = console(server)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        c = Driver(app, None, pilot)  # type: ignore[arg-type]
        await c.sees("No tasks yet.")
        await c.press("7")
        await c.sees(
            "MOF-5",
            "● Zn 8  · H 24  • C 48  • O 26",
            "cell 18.266 18.266 18.266 Å, 60.0 60.0 60.0°",
            "0 tasks",
            "Eddaoudi",
        )
        await c.press("i")
        c.app.screen.query_one("#file").value = str(file)  # type: ignore[attr-defined]
        c.app.screen.query_one("#set").value = "mine"  # type: ignore[attr-defined]
        await c.press("ctrl+s")
        await c.sees("structure 6: pair, MgO, 2 atoms")
        await c.press("G")
        await c.sees("● Mg 1  • O 1", "in the set mine", "pair.xyz (extxyz")
        await c.press("D", "y")
        await c.sees("structure 6 is in the set mine; forget the set first")
        with Client(server.url) as client:
            client.delete_structure_set("mine")
        await c.press("D", "y")
        await c.sees("structure 6 pair is removed", "5 of 5")


async def test_the_structure_of_a_task_is_followed_while_it_runs(server: Server, hands: Hands) -> None:
    with Client(server.url) as client:
        text = TWO.format(2, a=5, step="", z=0)
        path = server.folder / "pair.xyz"
        path.write_text(text)
        client.submit("optimization", client.add_structure(path).id)
    lease = hands.take()
    hands.write(lease, "trajectory.extxyz", TWO.format(2, a=5.1, step=" step=1", z=0.5))
    hands.step(lease, 1)
    app = console(server)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        c = Driver(app, None, pilot)  # type: ignore[arg-type]
        await c.sees("relax pair")
        await c.press("enter", "tab", "tab")
        await c.sees("as it is now", "trajectory.extxyz, step 1", "5.000 →     5.100 Å   +2.00 %", "moved farthest")
        files = hands.write(lease, "optimized.extxyz", TWO.format(2, a=5.5, step="", z=0.5))
        hands.end(lease, result={"rmsd_A": 0.25}, output_files=files)
        await c.sees("as it ended", "optimized.extxyz", "+10.00 %", "RMSD            0.250 Å")


async def test_a_model_is_wished_for_on_a_worker(server: Server, hands: Hands) -> None:
    with Client(server.url) as client:
        client.submit("optimization", "MOF-5")
    hands.register("box:cpu0")
    app = console(server)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        c = Driver(app, None, pilot)  # type: ignore[arg-type]
        await c.sees("relax MOF-5")
        await c.press("6")
        await c.sees("lj (default)", "7net-0", "built in", "used by     1 task: 1 relax MOF-5")
        await c.press("l", "enter")
        await c.sees("lj: asked to load it", "loading")
        with Client(server.url) as client:
            assert [each.model_wishes for each in client.workers()] == [{"lj": "load"}]


def test_on_a_terminal_a_structure_turns_in_few_bytes_and_then_stands_still(server: Server) -> None:
    with Terminal([sys.executable, "-m", "mofsim", "tui", "--server", server.url]) as terminal:
        terminal.wait_for("No tasks yet")
        terminal.settle()
        terminal.press(b"7")
        terminal.wait_for("HKUST-1")
        terminal.press(b"j")
        terminal.wait_for("C72H24Cu12O48, 156 atoms")
        terminal.settle()
        terminal.press(b"\r")
        terminal.settle()
        assert max(terminal.press(b"\x1b[C").n_bytes for _ in range(4)) < 10_000
        terminal.settle()
        assert terminal.bytes_during(2.5) == 0
        assert terminal.memory_MiB() < 80


def test_on_a_terminal_an_idle_console_sends_nothing_and_keys_are_answered(server: Server) -> None:
    with Client(server.url) as client:
        for name in ("MOF-5", "ZIF-8", "UiO-66"):
            client.submit("optimization", name)
    command = [sys.executable, "-m", "mofsim", "tui", "--server", server.url]
    with Terminal(command) as terminal:
        terminal.wait_for("1 of 3")
        terminal.settle()
        assert terminal.bytes_during(2.5) == 0
        assert terminal.press(DOWN).n_bytes < 4_000
        assert "2 of 3" in terminal.printed.decode()
        for key in (b"1", b"3"):
            terminal.press(key)
            terminal.settle()
            assert terminal.bytes_during(6) == 0, "it asks again meanwhile, and hears nothing new"
        assert terminal.memory_MiB() < 80


def test_q_says_that_tasks_go_on(server: Server) -> None:
    with Client(server.url) as client:
        client.submit("optimization", "MOF-5")
    with Terminal([sys.executable, "-m", "mofsim", "tui", "--server", server.url]) as terminal:
        terminal.wait_for("1 of 1")
        terminal.press(b"q")
        terminal.wait_for("0 running and 1 waiting tasks go on")


def test_no_color_means_no_colour(server: Server) -> None:
    command = [sys.executable, "-m", "mofsim", "tui", "--server", server.url]
    with Terminal(command, NO_COLOR="1") as terminal:
        terminal.wait_for("No tasks yet.")
        terminal.settle()
        styles = {int(n) for codes in re.findall(rb"\x1b\[([\d;]*)m", terminal.printed) for n in codes.split(b";") if n}
        # Bold, dim, underline, reverse, and back to the terminal's own colours; nothing else.
        assert styles <= {0, 1, 2, 4, 7, 39, 49}
