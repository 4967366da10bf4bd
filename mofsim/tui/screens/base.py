"""What all screens share: keys go through the registry, the state's changes come in, help and palette open."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.screen import Screen

from mofsim.tui import jobs
from mofsim.tui.actions import Context, Scope
from mofsim.tui.commands import Command
from mofsim.tui.paint import NAMES, help_of
from mofsim.tui.registry import BY_ID, possible
from mofsim.tui.session import Session
from mofsim.tui.store import Change
from mofsim.tui.widgets.alert_bar import AlertBar
from mofsim.tui.widgets.bars import Banner, FooterBar, HeaderBar

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widget import Widget

    from mofsim.schemas.resources import Alert
    from mofsim.tui.app import Console


Job = Callable[..., Coroutine[Any, Any, None]]


class ConsoleScreen(Screen[None]):
    """Subclasses give SCOPES and BINDINGS, `body`, and a `do_…` method for each action in their scopes."""

    SCOPES: ClassVar[Sequence[Scope]] = (Scope.CONSOLE,)
    MODE: ClassVar[str] = "tasks"
    #: has a line about the most urgent alert
    TELLS_OF_ALERTS: ClassVar[bool] = True
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (100, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (16, "-low"), (30, "-high")]  # noqa: RUF012

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.store = session.store
        self.header = HeaderBar(session, self.MODE)
        self.alert_bar = AlertBar(session)
        self.banner = Banner(session)
        self.footer = FooterBar(session.glyphs)
        self._shows_below = False

    def body(self) -> Sequence[Widget]:
        return ()

    def compose(self) -> ComposeResult:
        yield self.header
        yield from self.body()
        if self.TELLS_OF_ALERTS:
            yield self.alert_bar
        yield self.banner
        yield self.footer

    def on_mount(self) -> None:
        self.session.changed.subscribe(self, self._on_store)
        self.set_class(not self.session.glyphs.braille, "-ascii")

    def on_screen_resume(self) -> None:
        self._draw(Change(list=True, counts=True, line=True, alerts=True, machines=True, stock=True))

    def _on_store(self, change: Change) -> None:
        # Below a dialog or a form nothing is drawn until that is gone, but for what there is to say of the server.
        if self.is_active or change.line:
            self._shows_below = not self.is_active
            self._draw(change)

    def _compositor_refresh(self) -> None:
        # Whatever a screen below another one has to draw makes Textual send all of the upper one, and such a screen
        # calls itself changed each time it was looked at: a dialog that stood still sent 30 KB a second.
        if not self.is_active:
            if not (self._shows_below and self._compositor._dirty_regions):
                return
            self._shows_below = False
        super()._compositor_refresh()

    def _draw(self, change: Change) -> None:
        if change.line:
            self.banner.update()
        if (change.alerts or change.line) and self.TELLS_OF_ALERTS:
            self.alert_bar.update()
        self.changed(change)
        self.header.redraw()
        self.refresh_keys()

    def changed(self, change: Change) -> None:
        """Draw what changed."""

    def situation(self) -> Context:
        return self.picture()

    def picture(self, **values: Any) -> Context:
        """What actions are judged on, with what this screen adds."""
        return Context(
            alerts=self.alerts_meant(),
            mode=self.MODE,
            online=self.store.online,
            key_refused=self.store.key_refused,
            **values,
        )

    def alerts_meant(self) -> Sequence[Alert]:
        """Those that an action takes: here the one that the line tells of."""
        first = self.store.alerts.first if self.TELLS_OF_ALERTS else None
        return [first] if first is not None else []

    def refresh_keys(self) -> None:
        context = self.situation()
        actions = possible(self.SCOPES, context, self.session.keymap)
        if self.TELLS_OF_ALERTS:
            # The line about the alert has it already.
            actions = (action for action in actions if action.id != "alert.acknowledge")
        self.footer.show(actions, context.selected)

    def ask(self, job: Job, *arguments: Any, group: str = "") -> None:
        """Ask the server beside all else. A question in a group ends an older one, and ends with the screen.

        What has no group changes something: it goes on when the screen is left, and the app hears of its end.
        """
        client = self.session.client
        if client and group:
            self.run_worker(jobs.bound(job, client, *arguments, self.post_message), group=group, exclusive=True)
        elif client:
            self.app.run_worker(jobs.bound(job, client, *arguments, self.app.post_message), group="actions")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action != "do":
            return super().check_action(action, parameters)
        return BY_ID[str(parameters[0])].applies(self.situation())

    def action_do(self, action_id: str) -> None:
        """Do an action, or say why it is not possible."""
        action = BY_ID[action_id]
        why_not = action.why_not(self.situation())
        if why_not:
            self.app.notify(why_not, markup=False, timeout=4)
        else:
            getattr(self, action.handler)()

    def on_footer_bar_pressed(self, message: FooterBar.Pressed) -> None:
        self.action_do(message.action_id)

    def do_task_new(self) -> None:
        from mofsim.tui.screens.submit import SubmitForm

        self.app.push_screen(SubmitForm(self.session))

    def do_task_many(self) -> None:
        from mofsim.tui.screens.many import ManyForm

        self.app.push_screen(ManyForm(self.session))

    def do_alert_acknowledge(self) -> None:
        alerts = [alert for alert in self.alerts_meant() if not alert.resolved and alert.acknowledged_at is None]
        self.ask(jobs.acknowledge, alerts)

    def do_console_dashboard(self) -> None:
        self.app.switch_mode("dashboard")

    def do_console_workers(self) -> None:
        self.app.switch_mode("workers")

    def do_console_tasks(self) -> None:
        self.app.switch_mode("tasks")

    def do_console_logs(self) -> None:
        self.app.switch_mode("logs")

    def do_console_alerts(self) -> None:
        self.app.switch_mode("alerts")

    def do_console_models(self) -> None:
        self.app.switch_mode("models")

    def do_console_structures(self) -> None:
        self.app.switch_mode("structures")

    def do_console_benchmarks(self) -> None:
        self.app.switch_mode("benchmarks")

    def do_console_pause(self) -> None:
        self.session.changed.publish(self.store.pause(not self.store.paused))

    def do_console_commands(self) -> None:
        from mofsim.tui.screens.palette import Palette

        self.app.push_screen(Palette(self.SCOPES, self.situation(), self.session.keymap), self._run_command)

    def _run_command(self, command: Command | None) -> None:
        console = cast("Console", self.app)
        match command:
            case Command("do", action_id):
                self.action_do(action_id)
            case Command("tasks", text):
                console.show_tasks(text)
            case Command("task", number):
                console.open_task(int(number))
            case Command("theme", name):
                console.choose_theme(name)

    def do_console_servers(self) -> None:
        cast("Console", self.app).choose_server()

    def do_console_theme(self) -> None:
        """The next one."""
        console = cast("Console", self.app)
        name = NAMES[(NAMES.index(self.session.theme) + 1) % len(NAMES)]
        console.choose_theme(name)
        self.app.notify(f"theme {name}: {help_of(name)}", markup=False, timeout=3)

    def do_console_help(self) -> None:
        from mofsim.tui.screens.help import Help

        self.app.push_screen(Help(self.SCOPES, self.situation(), self.session.keymap), self._run_chosen)

    def _run_chosen(self, action_id: str | None) -> None:
        if action_id:
            self.action_do(action_id)

    def do_console_suspend(self) -> None:
        self.app.action_suspend_process()

    def do_console_quit(self) -> None:
        self.app.exit()
