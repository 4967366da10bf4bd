"""The panels under the list of workers: what the device showed of late, and what is on it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Grid, Horizontal

from mofsim.tui import device_words
from mofsim.tui.device_book import Place
from mofsim.tui.session import Session
from mofsim.tui.store import Store
from mofsim.tui.trace import Trace
from mofsim.tui.widgets.history_chart import HistoryChart, Scale, span_words
from mofsim.tui.widgets.peek import TextLines

#: The pictures that there are, as far back as the server remembers.
SPANS = (300.0, 3600.0, 6 * 3600.0)


class DevicePane(Horizontal):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.use = HistoryChart("utilisation_percent", "history-use")
        self.memory = HistoryChart("memory_used_MB", "history-memory")
        self.temperature = HistoryChart("temperature_C", "history-temperature")
        self.power = HistoryChart("power_W", "history-power")
        self.charts = (self.use, self.memory, self.temperature, self.power)
        for chart in self.charts:
            chart.glyphs = session.glyphs
        self.details = TextLines(session.glyphs, "device-details", titled=True)
        self.place: Place | None = None
        self.span = SPANS[1]

    def compose(self) -> ComposeResult:
        with Grid(id="histories"):
            yield from self.charts
        yield self.details

    def on_mount(self) -> None:
        self.details.caption = "worker and device"

    def on_resize(self) -> None:
        self.call_after_refresh(self.draw)

    @property
    def points(self) -> int:
        """As many as the widest chart has columns of dots."""
        return max(100, 2 * self.use.content_size.width)

    def next_span(self) -> None:
        self.span = SPANS[(SPANS.index(self.span) + 1) % len(SPANS)]
        self.draw()

    def show(self, place: Place | None) -> None:
        self.place = place
        self.display = place is not None
        self.draw()

    def draw(self) -> None:
        place, store, now = self.place, self._session.store, self._session.now()
        # A box tells neither temperature nor power.
        self.set_class(place is not None and not place.on_gpu, "-box")
        if place is None:
            self.details.show(())
        else:
            self.details.show(device_words.details(place, store, now, self.details.content_size.width - 1))
        self._draw_charts(place, store, now.timestamp())

    def _draw_charts(self, place: Place | None, store: Store, now: float) -> None:
        trace = store.devices.trace(place.subject) if place is not None else None
        limit = place.gpu.power_limit_W if place is not None and place.gpu else None
        whole = place.total_MB if place is not None else None
        what = "cores busy" if place is not None and not place.on_gpu else "GPU"
        for chart, name, column, unit, scale in (
            (self.use, what, "utilisation_percent", "%", Scale(100.0)),
            (self.memory, "memory", "memory_used_MB", "GB", Scale(whole, 1000.0)),
            (self.temperature, "temperature", "temperature_C", "°C", Scale()),
            (self.power, "power", "power_W", "W", Scale(limit)),
        ):
            chart.caption = _caption(name, trace.last(column) if trace else None, unit, scale, self.span)
            chart.show(trace, scale, self.span, now, self._why_empty(trace))

    def _why_empty(self, trace: Trace | None) -> str:
        if trace is None:
            return ""
        if trace.times:
            return "the driver does not tell"
        return "nothing was read yet" if trace.asked else f"reading {self._session.glyphs.dots}"


def _caption(name: str, value: float | None, unit: str, scale: Scale, span: float) -> str:
    """memory 61 of 80 GB, last 1 h."""
    if value is None:
        return f"{name} ({unit})"
    shown = device_words.gigabytes(value) if unit == "GB" else f"{value:.0f}"
    whole = ""
    if scale.high is not None and unit != "%":
        whole = f" of {device_words.gigabytes(scale.high) if unit == 'GB' else f'{scale.high:.0f}'}"
    return f"{name} {shown}{whole} {unit}, last {span_words(span)}"
