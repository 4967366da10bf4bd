"""The screen of alerts and rules, and the line about the most urgent alert on the others."""

from datetime import timedelta

import pytest

from mofsim.schemas.alerts import AlertRule
from mofsim.schemas.resources import Alert
from mofsim.tui import alert_words, feed
from mofsim.tui.alert_book import AlertBook
from mofsim.tui.looks import ASCII
from mofsim.vocabulary import AlertLevel, EventType
from tests.tui.conftest import Driver, Run
from tests.tui.fake import NOW, World, alert, over, some_alerts, some_rules, world


def some() -> World:
    return world(alerts=some_alerts())


def posted(c: Driver) -> list[str]:
    return [path for method, path in c.world.asked if method in ("POST", "PATCH")]


def under_cursor(c: Driver) -> str:
    (line,) = [line for line in c.lines if "▌" in line]
    return line.strip("│▌ ").split()[0]


async def test_what_holds_is_listed_by_urgency_with_who_was_told(run: Run) -> None:
    async with run(some()) as c:
        await c.sees("5 Alerts³", "✗ CRITICAL GPU 4 of gpu-box-1 can not be used", "+1 more", "! open  a ack")
        await c.press("5")
        await c.sees("[5 Alerts³]", "[Active 3]", "log: raised, told", "(no answer within", "value 94, threshold 85")
        levels = [word for line in c.lines[3:8] for word in ("CRITICAL", "WARNING", "ERROR") if word in line[:24]]
        assert levels == ["CRITICAL", "WARNING", "ERROR"], "the one that somebody looks after comes last"
        await c.press("G")
        await c.sees("acknowledged ", "by ada: on my way")
        await c.press("2")
        await c.sees("[2 Tasks]", "8131")


async def test_alerts_come_change_and_go_while_the_cursor_stays_on_its_own(run: Run) -> None:
    async with run(some()) as c:
        await c.press("5", "j")
        await c.until(lambda: under_cursor(c) == "3")
        for id in range(10, 30):
            await c.world.raise_alert(alert(id, AlertLevel.ERROR))
        await c.sees("[Active 23]", "5 Alerts²³")
        assert under_cursor(c) == "3"
        await c.world.raise_alert(
            c.world.alerts[3].model_copy(update={"acknowledged_at": NOW, "acknowledged_by": "ben"})
        )
        await c.sees("acknowledged", "by ben")
        assert under_cursor(c) == "3"
        for id in range(10, 30):
            await c.world.raise_alert(over(id))
        await c.sees("[Active 3]")
        assert under_cursor(c) == "3"
        await c.press("tab")
        await c.sees("[History]", "29 ", "over")


async def test_the_line_on_other_screens_acknowledges_the_alert_that_it_tells_of(run: Run) -> None:
    async with run(some()) as c:
        await c.sees("GPU 4 of gpu-box-1 can not be used")
        await c.press("a")
        await c.sees("▲ WARNING task 8125", "alert 4 acknowledged")
        await c.press("a")
        await c.misses("a ack")
        assert posted(c) == ["alerts/4/ack", "alerts/3/ack"]
        await c.press("exclamation_mark")
        await c.sees("[5 Alerts³]", "ack local")
        await c.press("a")
        await c.sees("local has acknowledged it already")


async def test_those_selected_are_resolved_together_after_a_question(run: Run) -> None:
    async with run(some()) as c:
        await c.press("5", "space", "space", "r")
        await c.sees("Are these 2 alerts over?", "4 GPU 4 of gpu-box-1", "leave it (n)")
        await c.press("n", "r", "y")
        await c.sees("2 alerts resolved", "[Active 1]")
        assert posted(c) == ["alerts/4/resolve", "alerts/3/resolve"]
        await c.press("r")
        await c.sees("Is alert 5 over?")


async def test_an_alert_is_silent_for_a_time_that_is_chosen_or_typed(run: Run) -> None:
    async with run(some()) as c:
        await c.press("5", "m")
        await c.sees("for 15 minutes", "No channel is told of alert 4")
        await c.type("90m")
        await c.press("enter")
        await c.sees("alert 4 silent for 90 minutes", "silent 1 h 30 m", "by local")
        await c.press("m", "end", "down", "down", "down", "down", "down", "enter")
        await c.sees("alert 4 silent no longer")
        await c.misses("silent 1 h 30 m")


async def test_a_rule_is_switched_and_silenced_and_follows_what_others_do(run: Run) -> None:
    async with run(some()) as c:
        await c.press("5", "shift+tab")
        await c.sees("[Rules]", "gpu_hot", "● on", "what it says now", "5 GPU 5 of gpu-box-1", "o on/off  m mute")
        await c.press("o")
        await c.sees("Switch gpu_hot off? Its alerts end:")
        await c.press("y")
        await c.sees("– off", "rule gpu_hot switched off")
        await c.press("o")
        await c.misses("– off")
        await c.press("m", "enter")
        await c.sees("‖ silent", "silent until")
        (first, *_) = c.world.rules
        await c.world.change_rule(first.model_copy(update={"condition": {"threshold": 70.0}}))
        await c.sees("70 °C")
        assert posted(c) == ["alerts/rules/1", "alerts/rules/1", "alerts/rules/1/silence"]


async def test_enter_opens_the_task_that_an_alert_is_about(run: Run) -> None:
    async with run(some()) as c:
        await c.press("5")
        assert "open task" not in c.lines[-1]
        await c.press("j")
        await c.sees("enter open task")
        await c.press("enter")
        await c.sees("› 8125 relax MOF-74-Zn")  # noqa: RUF001


async def test_without_an_alert_there_is_no_line_and_the_screen_says_so(run: Run) -> None:
    async with run() as c:
        await c.sees("5 Alerts ")
        assert not any(line.startswith((" ✗ ", " ▲ ")) for line in c.lines)
        await c.press("a", "5")
        await c.sees("Nothing needs you.")
        await c.press("r")
        await c.sees("there is no alert under the cursor")
        await c.press("tab")
        await c.sees("There was never an alert.")
        await c.world.raise_alert(alert(7))
        await c.sees("GPU 7 of gpu-box-1")


async def test_after_missed_events_the_lists_are_read_again(run: Run) -> None:
    async with run(some()) as c:
        await c.press("5")
        await c.sees("[Active 3]", "log: raised")
        c.world.alerts = {9: alert(9, AlertLevel.CRITICAL)}
        await c.world.tell(EventType.RESET, {})
        await c.sees("[Active 1]", "GPU 9 of gpu-box-1")


async def test_without_unicode_alerts_are_ascii_too(run: Run) -> None:
    async with run(some(), glyphs=ASCII) as c:
        await c.sees("5 Alerts(3)", "x CRITICAL GPU 4")
        await c.press("5", "tab", "tab")
        await c.sees("gpu_hot", "* on")
        assert c.text.isascii()


REVOKED = "the key was revoked; an admin makes a new one with `mofsim keys create`"


async def test_a_revoked_key_is_told_calmly_with_what_to_do(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "REFUSED_PAUSE", 0.5)
    async with run(some()) as c:
        await c.press("j", "j")
        await c.world.refuse_key(REVOKED)
        await c.sees("◌ key refused", "does not take your key any more: the key was revoked. Tasks keep running.")
        await c.sees("An admin makes a new one (mofsim keys create NAME)", "MOFSIM_API_KEY=KEY mofsim tui", "8125")
        assert "next try" not in c.text and "c cancel" not in c.lines[-1]
        still = c.text
        await c.pilot.pause(1.2)
        assert c.text == still, "nothing ticks"
        await c.press("a")
        await c.sees("the server does not take the key any more")
        assert posted(c) == []
        c.world.key_refused = ""
        await c.sees("● live")
        await c.misses("does not take your key")


async def test_a_key_refused_from_the_start_is_no_missing_server(run: Run) -> None:
    known = world()
    known.key_refused = REVOKED
    known.up = False
    async with run(known) as c:
        known.up = True
        await c.sees("The key was revoked", "mofsim keys create NAME --scope submit", "MOFSIM_API_KEY=KEY")
        assert "mofsim up" not in c.text


def test_what_events_told_is_newer_than_the_list_that_was_asked_for_before() -> None:
    book = AlertBook()
    book.hold([alert(1), alert(2)])
    book.asked()
    book.seen(over(1))
    book.came([alert(1), alert(2), over(0)])
    assert [each.id for each in book.active.rows] == [2]
    assert [each.id for each in book.history.rows] == [2, 1, 0]
    book.came([alert(2, resolved=True, resolved_at=NOW + timedelta(minutes=1))])
    assert book.first is None


def test_an_alert_that_no_channel_was_told_of_says_why() -> None:
    def why(found: Alert, rule: AlertRule) -> str:
        return " ".join(alert_words.told([], found, rule, NOW, 40))

    [hot, *_] = some_rules()
    later = NOW + timedelta(minutes=5)
    assert "told of one like it less than 5 min before" in why(alert(4), hot)
    assert "it is silent until" in why(alert(4, silenced_until=later), hot)
    assert "its rule is silent until" in why(alert(4), hot.model_copy(update={"silenced_until": later}))
    assert why(over(4), hot) == "no channel was told"
