from mofsim.tui.screens.task_detail import TaskDetail
from mofsim.vocabulary import TaskStatus
from tests.tui.conftest import Driver, Run
from tests.tui.fake import task, world


async def open_running(c: Driver) -> None:
    await c.press(*"jjjjjj", "enter")
    await c.sees("Tasks \u203a 8125 relax MOF-74-Zn", "goal 0.02", "summary")


async def test_a_task_shows_its_curves_and_its_summary(run: Run) -> None:
    async with run() as c:
        await open_running(c)
        await c.sees("energy (eV)", "goal near step 217", "2.11 s/step", "~3 min left", "running     12:05")


async def test_new_steps_reach_curves_and_header(run: Run) -> None:
    async with run() as c:
        await open_running(c)
        changed = c.world.tasks[8125]
        c.world.tasks[8125] = changed.model_copy(update={"progress": changed.progress.model_copy(update={"step": 160})})
        await c.world.progress(8125, step=160, fmax_eV_per_A=0.11)
        await c.sees("step 160", "160─")


async def test_tab_goes_through_the_panes(run: Run) -> None:
    async with run() as c:
        await open_running(c)
        for pane, text in (
            ("Log", "log   following"),
            ("Structure", "as it is now"),
            ("Result", "No result yet"),
            ("Inputs", "max steps          5000"),
            ("History", "after 41.0 s of loading"),
            ("Plot", "energy (eV)"),
        ):
            await c.press("tab")
            await c.sees(f"[{pane}]", text)
        await c.press("shift+tab")
        await c.sees("[History]")


async def test_a_task_that_ends_shows_its_result(run: Run) -> None:
    async with run() as c:
        await open_running(c)
        await c.press("tab", "tab", "tab")
        await c.sees("No result yet")
        await c.world.put(task(8125, TaskStatus.COMPLETED))
        await c.sees("final energy    -1234.5120 eV", "final.cif", "✓ done")


async def test_copy_takes_what_the_pane_shows(run: Run) -> None:
    async with run() as c:
        await c.press("G")
        await c.until(lambda: c.cursor == 8117)
        await c.press("enter", "tab", "tab", "tab")
        await c.sees("final.cif")
        await c.press("G", "y")
        assert c.app.clipboard == "http://gpu-box-1:8321/api/v1/files/8117/1/final.cif"
        await c.press("tab", "y")
        assert c.app.clipboard == "MOF-74-Zn (built in)"


async def test_the_log_follows_holds_and_finds(run: Run) -> None:
    async with run() as c:
        await c.press(*"jjjjjj", "l")
        await c.sees("[Log]", "step 143  E=", "log   following")
        await c.press("k")
        await c.sees("log   held")
        await c.press("slash")
        await c.type("step 57 ")
        await c.press("enter")
        await c.sees("find: step 57", "step 57  E=")
        await c.press("f")
        await c.sees("log   following", "step 143  E=")


async def test_finding_reads_the_whole_log_first(run: Run) -> None:
    known = world()
    first = known.log[0]
    known.log = [first.model_copy(update={"id": i, "message": f"step {i} of many"}) for i in range(1, 2001)]
    async with run(known) as c:
        await c.press(*"jjjjjj", "l")
        await c.sees("step 2000 of many", "g reads the rest")
        await c.press("slash")
        await c.type("step 7 ")
        await c.press("enter")
        await c.sees("step 7 of many")
        await c.press("n")
        await c.sees("step 7 of many")


async def test_text_that_is_not_in_the_log_is_told(run: Run) -> None:
    async with run() as c:
        await c.press(*"jjjjjj", "l")
        await c.sees("step 143  E=")
        await c.press("slash")
        await c.type("unicorn")
        await c.press("enter")
        await c.sees("no line has 'unicorn'")


async def test_brackets_go_to_the_tasks_around_it(run: Run) -> None:
    async with run() as c:
        await open_running(c)
        await c.press("right_square_bracket")
        await c.sees("Tasks \u203a 8124 relax ZIF-8")
        await c.press("left_square_bracket")
        await c.sees("Tasks \u203a 8125")


async def test_z_gives_the_charts_the_screen_and_takes_it_back(run: Run) -> None:
    async with run() as c:
        await open_running(c)
        await c.press("z")
        await c.misses("summary")
        await c.press("z")
        await c.sees("summary")


async def test_backspace_goes_back_to_the_same_row(run: Run) -> None:
    async with run() as c:
        await open_running(c)
        await c.press("backspace")
        await c.sees("[2 Tasks]")
        assert c.cursor == 8125


async def test_actions_work_on_the_task_that_is_shown(run: Run) -> None:
    async with run() as c:
        await open_running(c)
        await c.press("c", "y")
        await c.sees("● stopping")
        assert isinstance(c.app.screen, TaskDetail)


async def test_duplicate_opens_the_form_with_its_values(run: Run) -> None:
    async with run() as c:
        await open_running(c)
        await c.press("d")
        await c.sees("new task like 8125", "MOF-74-Zn", "[FIRE]", "0.02", "3600")


async def test_where_nothing_happens_nothing_is_asked(run: Run) -> None:
    async with run() as c:
        await c.press("G")
        await c.until(lambda: c.cursor == 8117)
        await c.press("enter")
        await c.sees("energy (eV)", "-1234")
        await c.until(lambda: ("GET", "tasks/8117/attempts") in c.world.asked)
        await c.pilot.pause(0.3)
        asked = len(c.world.asked)
        await c.pilot.pause(0.3)
        assert len(c.world.asked) == asked
