"""Keeps workers, devices and boxes up to date on screens that show them: readings come by no event."""

from __future__ import annotations

from mofsim.tui import device_jobs, device_messages
from mofsim.tui.screens.base import ConsoleScreen
from mofsim.tui.store import Change

#: Seconds between two looks; chores keep a reading as often.
EVERY = 5.0


class Watching(ConsoleScreen):
    """Nothing is asked while the screen is not shown, or stands still."""

    def on_mount(self) -> None:
        self.set_interval(EVERY, self.look)

    def on_screen_resume(self) -> None:
        self.look()

    def changed(self, change: Change) -> None:
        if change.missed or (change.line and self.store.online):
            self.look(anew=True)

    def look(self, anew: bool = False) -> None:
        """`anew`: tasks that run may be others than events told."""
        if not (self.is_active and self.store.online) or self.store.paused:
            return
        self.store.workers_told = {}
        self.ask(device_jobs.machines, group="machines")
        if anew or self.store.devices.misses_tasks(self.store.workers.values()):
            self.store.devices.running_asked()
            self.ask(device_jobs.running, group="running")

    def on_machines_came(self, message: device_messages.MachinesCame) -> None:
        self.store.devices.came(message.gpus, message.hosts)
        self.session.changed.publish(self.store.workers_came(message.workers))

    def on_running_came(self, message: device_messages.RunningCame) -> None:
        self.store.devices.running_came(message.tasks)
        self.session.changed.publish(Change(machines=True))
