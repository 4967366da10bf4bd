import pytest

from mofsim.schemas.tasks import Progress
from mofsim.vocabulary import Priority, StopReason, TaskStatus, TaskType
from tests.tui.conftest import Run
from tests.tui.fake import task, world

POST = "POST"


async def test_the_list_shows_tasks_counts_and_keys(run: Run) -> None:
    async with run() as c:
        await c.sees("3 run  3 wait  2 ✗", "● live", "8125   relax MOF-74-Zn", "◌ wait", "✗ failed", "1 of 10")
        assert "c cancel" not in c.lines[-1]
        await c.press("j", "j")
        await c.sees("c cancel")


async def test_the_panel_explains_the_task_under_the_cursor(run: Run) -> None:
    async with run() as c:
        await c.press(*"jjj")
        await c.sees("8128 relax HKUST-1   fmax", "2 tasks are ahead of task 8128", "no steps yet")
        await c.press(*"jjj")
        await c.sees("fmax halves every 30 steps", "goal 0.02", "about 3 min")


async def test_progress_is_live(run: Run) -> None:
    async with run() as c:
        await c.sees("8125", "step 143")
        await c.world.progress(8125, step=150, fmax_eV_per_A=0.123)
        await c.sees("step 150", "0.123")


async def test_what_is_being_done_is_told_in_the_words_of_the_simulation(run: Run) -> None:
    async with run(size=(140, 36)) as c:
        await c.world.put(task(8140, TaskStatus.RUNNING, task_type=TaskType.HEAT_CAPACITY, progress=Progress(step=7)))
        at = {"stage": "displacement", "stage_step": 37, "stage_steps": 162}
        await c.world.progress(8140, step=130, percent=51.0, remaining_seconds=250.0, **at)
        await c.sees("displacement 37/162", " 51%", "~4 min")
        await c.press("g")
        await c.sees("displacement 37 of 162", "about 4 min left")


async def test_the_cursor_stays_on_its_task_when_others_come(run: Run) -> None:
    async with run() as c:
        await c.press(*"jjj")
        assert c.cursor == 8128
        for i in range(9000, 9030):
            await c.world.put(task(i))
        await c.sees("of 40")
        assert c.cursor == 8128
        assert any(line.startswith("│▌  8128") for line in c.lines)


async def test_a_state_that_changes_changes_row_and_counts(run: Run) -> None:
    async with run() as c:
        await c.world.put(task(8128, TaskStatus.RUNNING))
        await c.sees("4 run  2 wait")
        assert any("8128" in line and "● run" in line for line in c.lines)


async def test_the_filter_works_as_it_is_typed_and_esc_clears_it(run: Run) -> None:
    async with run() as c:
        await c.press("slash")
        await c.type("status:fai")
        await c.until(lambda: c.cursor == 8119)
        await c.press("escape")
        await c.sees("of 10")
        await c.press("j")
        assert c.app.focused is not None and c.app.focused.id == "tasks"


async def test_a_filter_that_only_we_can_apply_counts_what_it_read(run: Run) -> None:
    async with run(
        world([task(i, TaskStatus.FAILED if i % 500 == 0 else TaskStatus.QUEUED) for i in range(1, 1001)])
    ) as c:
        await c.press("slash")
        await c.type("!status:wait")
        await c.press("enter")
        await c.sees("1 of 2")
        assert c.cursor == 1000


async def test_a_wrong_filter_says_what_is_wrong_and_keeps_the_list(run: Run) -> None:
    async with run() as c:
        await c.press("slash")
        await c.type("color:red")
        await c.press("enter")
        await c.sees("color: is not a field", "8125")
        assert c.app.focused is not None and c.app.focused.id == "filter-input", "its keys are not those of the list"
        await c.press("escape", "slash")
        await c.type("status:fai")
        await c.until(lambda: c.cursor == 8119)
        await c.press("enter")
        assert c.app.focused.id == "tasks"


async def test_a_filter_goes_on_behind_the_words_that_it_has(run: Run) -> None:
    async with run() as c:
        await c.press("slash")
        await c.type("status:fai")
        await c.press("enter", "slash")
        await c.type("model:7net-0")
        assert c.app.screen.query_one("#filter-input").value == "status:fai model:7net-0"  # type: ignore[attr-defined]


async def test_what_a_dialog_lies_over_sends_nothing_and_is_up_to_date_when_it_is_gone(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run() as c:
        await c.press("j", "j", "c")
        await c.sees("Cancel")
        shown: list[object] = []
        display = c.app._display
        monkeypatch.setattr(c.app, "_display", lambda *picture: (shown.append(picture), display(*picture)))
        await c.world.put(task(8128, TaskStatus.RUNNING))
        await c.until(lambda: c.app.session.store.counts.running == 4)
        for _ in range(40):
            await c.pilot.pause(0.05)
        assert shown == []
        await c.press("escape")
        await c.sees("4 run  2 wait")
        assert any("8128" in line and "● run" in line for line in c.lines)


async def test_a_filter_without_a_match_says_what_to_press(run: Run) -> None:
    async with run() as c:
        await c.press("slash")
        await c.type("nothing")
        await c.press("enter")
        await c.sees("No task matches the filter", "esc clears it")
        await c.press("escape")
        await c.sees("8125")


async def test_selected_tasks_are_all_taken_by_an_action(run: Run) -> None:
    async with run() as c:
        await c.press("j", "j", "space", "space", "space")
        await c.sees("3 selected", "c cancel(3)")
        await c.press("c")
        await c.sees("Cancel 3 tasks?", "8129 relax IRMOF-1: waiting, no step made")
        await c.press("y")
        await c.until(lambda: (POST, "tasks/8127/cancel") in c.world.asked)
        assert [p for m, p in c.world.asked if m == POST] == [f"tasks/{i}/cancel" for i in (8129, 8128, 8127)]


async def test_select_all_takes_what_the_filter_matches(run: Run) -> None:
    async with run(world([task(i) for i in range(1, 251)])) as c:
        await c.press("asterisk")
        await c.sees("250 selected")
        await c.press("minus")
        await c.misses("selected")


async def test_cancel_asks_first_keeps_by_default_and_says_what_would_be_lost(run: Run) -> None:
    async with run() as c:
        await c.press(*"jjjjjj", "c")
        await c.sees("Cancel task 8125?", "running 12 min, step 143")
        await c.press("enter")
        await c.misses("Cancel task")
        assert not [m for m, _ in c.world.asked if m == POST]
        await c.press("c", "y")
        await c.sees("● stopping", "task 8125 asked to stop after the current step")
        assert c.world.tasks[8125].stop_requested is StopReason.CANCELLED


async def test_a_cancel_can_be_taken_back(run: Run) -> None:
    async with run() as c:
        await c.press(*"jjj", "c", "y")
        await c.sees("task 8128 cancelled; z takes that back", "z undo", "⊘ cancelled")
        await c.press("z")
        await c.until(lambda: c.world.tasks[8128].status is TaskStatus.QUEUED)
        await c.misses("z undo")


async def test_a_waiting_task_says_what_it_waits_for(run: Run) -> None:
    tasks = [task(1, TaskStatus.PENDING, held=True), task(2, TaskStatus.PENDING, parent_id=1, awaits_parent=True)]
    async with run(world(tasks)) as c:
        await c.sees("held", "needs 1")


async def test_a_long_question_names_five_and_counts_the_rest(run: Run) -> None:
    async with run(world([task(i) for i in range(1, 9)])) as c:
        await c.press("asterisk")
        await c.sees("8 selected")
        await c.press("c")
        await c.sees("Cancel 8 tasks?", "+3 more")


async def test_retry_queues_a_failed_task_again(run: Run) -> None:
    async with run() as c:
        await c.press("slash")
        await c.type("status:failed")
        await c.press("enter")
        await c.sees("1 of 1")
        await c.press("r")
        await c.sees("task 8119 queued again")
        assert c.world.tasks[8119].status is TaskStatus.QUEUED


async def test_h_holds_and_lets_go_on(run: Run) -> None:
    async with run(world([task(1), task(2)])) as c:
        await c.press("asterisk", "h")
        await c.sees("held")
        await c.until(lambda: all(each.held for each in c.world.tasks.values()))
        await c.until(lambda: all(c.app.session.store.window.get(id).held for id in (1, 2)))
        await c.press("h")
        await c.until(lambda: not any(each.held for each in c.world.tasks.values()))
        assert {each.status for each in c.world.tasks.values()} == {TaskStatus.QUEUED}


async def test_what_ended_is_not_held(run: Run) -> None:
    async with run(world([task(1, TaskStatus.COMPLETED)])) as c:
        await c.press("h")
        await c.sees("only what waits or runs can be held")


async def test_priority_goes_up_and_down(run: Run) -> None:
    async with run() as c:
        await c.press(*"jjj", "plus")
        await c.sees("task 8128 now HIGH")
        await c.until(lambda: c.world.tasks[8128].priority is Priority.HIGH)
        await c.until(lambda: c.app.session.store.window.get(8128).priority is Priority.HIGH)
        await c.press("minus")
        await c.until(lambda: c.world.tasks[8128].priority is Priority.NORMAL)


async def test_a_key_that_can_not_work_says_why(run: Run) -> None:
    async with run() as c:
        await c.press("plus")
        await c.sees("only a waiting task's priority can change")


async def test_sorting_is_done_by_the_server_and_reverses(run: Run) -> None:
    async with run() as c:
        await c.press("s")
        await c.until(lambda: c.lines[4].startswith("│   8127") or c.lines[4].startswith("│▌  8127"))
        await c.press("s")
        await c.sees("STATE ▲")
        await c.press("S")
        await c.sees("STATE ▼")


async def test_the_end_of_a_long_list_is_one_key_away(run: Run) -> None:
    async with run(world([task(i) for i in range(1, 1001)])) as c:
        await c.press("G")
        await c.sees("1 000 of 1 000")
        assert c.cursor == 1
        await c.press("g")
        await c.sees("1 of 1 000")
        assert c.cursor == 1000


async def test_why_explains_in_full(run: Run) -> None:
    async with run() as c:
        await c.press(*"jjj", "w")
        await c.sees("8128 relax HKUST-1", "moves it up.", "+ and - change it", "esc closes")
        await c.press("escape")
        await c.misses("esc closes")


async def test_copy_puts_ids_on_the_clipboard(run: Run) -> None:
    async with run() as c:
        await c.press("space", "space", "y")
        await c.sees("copied 2 ids 8131, 8130")
        assert c.app.clipboard == "8131 8130"


async def test_pause_holds_the_picture_and_loses_nothing(run: Run) -> None:
    async with run() as c:
        await c.press("p")
        await c.sees("‖ paused")
        await c.world.put(task(9000))
        await c.until(lambda: c.app.session.store._held)
        assert "9000" not in c.text
        await c.press("p")
        await c.sees("9000", "● live")


async def test_help_lists_keys_finds_them_and_runs_one(run: Run) -> None:
    async with run() as c:
        await c.press(*"jjj", "question_mark")
        await c.sees("search the keys", "Cancel: asks first")
        await c.type("cancel: asks")
        await c.misses("Next row or line")
        await c.press("enter")
        await c.sees("Cancel task 8128?")


@pytest.mark.parametrize("key", ["colon", "ctrl+p"])
async def test_the_command_line_runs_actions_by_name(run: Run, key: str) -> None:
    async with run() as c:
        await c.press("j", "j", key)
        await c.type("cancel")
        await c.sees("c  cancel")
        await c.press("enter")
        await c.sees("Cancel task 8129?")


async def test_the_command_line_filters_and_opens(run: Run) -> None:
    async with run() as c:
        await c.press("colon")
        await c.type("tasks status:failed")
        await c.press("enter")
        await c.sees("/ status:failed", "1 of 1")
        await c.press("colon")
        await c.type("task 8125")
        await c.press("enter")
        await c.sees("Tasks \u203a 8125 relax MOF-74-Zn")


async def test_a_key_of_the_users_own_is_shown_and_works(run: Run) -> None:
    async with run(keymap={"task.cancel": "x"}) as c:
        await c.press("j", "j")
        await c.sees("x cancel")
        await c.press("x")
        await c.sees("Cancel task 8129?")


async def test_q_leaves_and_touches_no_task(run: Run) -> None:
    async with run() as c:
        await c.press("q")
        await c.until(lambda: not c.app.is_running)
        assert not [m for m, _ in c.world.asked if m == POST]
