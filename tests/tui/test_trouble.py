from mofsim.tui.looks import ASCII
from tests.tui.conftest import Run
from tests.tui.fake import task, world


async def test_a_lost_server_leaves_the_picture_says_its_age_and_stops_acting_keys(run: Run) -> None:
    async with run() as c:
        await c.press("j", "j")
        await c.world.go_down()
        await c.sees("does not answer; what you see is", "next try in", "8125", "old │")
        assert "c cancel" not in c.lines[-1]
        await c.press("c")
        await c.sees("the server does not answer; this works again")
        assert not [m for m, _ in c.world.asked if m == "POST"]


async def test_a_server_that_comes_back_is_caught_up_with(run: Run) -> None:
    async with run() as c:
        await c.world.go_down()
        await c.sees("does not answer")
        await c.world.put(task(9000))
        c.world.up = True
        await c.sees("● live", "9000")
        await c.misses("does not answer")


async def test_without_a_server_the_screen_says_how_to_start_one_and_tries_again(run: Run) -> None:
    known = world()
    known.up = False
    async with run(known) as c:
        await c.sees("No mofsim server answers at http://gpu-box-1:8321", "mofsim up", "q quits")
        known.up = True
        await c.sees("● live", "8125")


async def test_an_empty_list_says_what_to_press(run: Run) -> None:
    async with run(world([])) as c:
        await c.sees("No tasks yet.", "n submits the first one")


async def test_a_task_that_is_not_there_is_told(run: Run) -> None:
    async with run() as c:
        await c.press("colon")
        await c.type("task 4711")
        await c.press("enter")
        await c.sees("there is no task 4711")


async def test_without_unicode_nothing_but_ascii_is_sent(run: Run) -> None:
    async with run(glyphs=ASCII) as c:
        await c.press(*"jjjjjj")
        await c.sees("* run", "goal 0.02")
        assert c.text.isascii()
        await c.press("enter")
        await c.sees("energy (eV)", "4314.3 A3")
        await c.press("question_mark")
        await c.sees("search the keys")
        assert c.text.isascii()


async def test_forty_columns_are_enough_to_read(run: Run) -> None:
    async with run(size=(40, 16)) as c:
        await c.sees("● live", "8125", "● run", "? help")
        assert all(len(line) == 40 for line in c.lines)
        await c.press(*"jjjjjj", "enter")
        await c.sees("8125")
