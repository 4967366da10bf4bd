"""What the console knows of alerts and of the rules that raise them. Knows no widgets and no HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from mofsim.schemas.alerts import AlertRule
    from mofsim.schemas.resources import Alert

#: Alerts that are over, of which the newest are kept.
KEPT = 1000


class Numbered(Protocol):
    @property
    def id(self) -> int: ...


N = TypeVar("N", bound=Numbered)


@dataclass(frozen=True)
class Listing(Generic[N]):
    """A short list, all of it, as a table takes its rows."""

    rows: Sequence[N] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, index: int) -> N | None:
        return self.rows[index] if 0 <= index < len(self.rows) else None

    def index_of(self, key: int) -> int | None:
        return next((index for index, row in enumerate(self.rows) if row.id == key), None)

    def get(self, key: int | None) -> N | None:
        return next((row for row in self.rows if row.id == key), None)


@dataclass
class AlertBook:
    """Alerts by id, those that are over too as far as they were read; rules once somebody asked for them."""

    rules: Listing[AlertRule] | None = None
    #: those that need a person, the most urgent first
    active: Listing[Alert] = field(default_factory=Listing)
    #: all that are known, newest first
    history: Listing[Alert] = field(default_factory=Listing)
    _known: dict[int, Alert] = field(default_factory=dict)
    #: what events told since the list was asked for that is on its way
    _told: dict[int, Alert] | None = None

    @property
    def first(self) -> Alert | None:
        """The most urgent one that nobody looks after."""
        first = self.active.at(0)
        return first if first is not None and first.acknowledged_at is None else None

    @property
    def unheeded(self) -> int:
        """How many nobody looks after."""
        return sum(alert.acknowledged_at is None for alert in self.active.rows)

    def asked(self) -> None:
        """A list is on its way, which may be older than what events tell meanwhile."""
        self._told = {}

    def came(self, alerts: Iterable[Alert]) -> None:
        """The newest alerts came, those that are over too."""
        told, self._told = self._told or {}, None
        self._known.update((alert.id, alert) for alert in alerts)
        self._known.update(told)
        self._sort()

    def hold(self, active: Iterable[Alert]) -> None:
        """Just these hold now; of others that were known to hold it is not known how they ended."""
        over = {id: alert for id, alert in self._known.items() if alert.resolved}
        self._known = over | {alert.id: alert for alert in active}
        self._sort()

    def seen(self, alert: Alert) -> None:
        """One as it is now."""
        self._known[alert.id] = alert
        if self._told is not None:
            self._told[alert.id] = alert
        self._sort()

    def rules_came(self, rules: Iterable[AlertRule]) -> None:
        self.rules = Listing(tuple(rules))

    def rule_seen(self, rule: AlertRule) -> None:
        """As it is now, changed or new; while nobody asked for rules nobody needs one of them."""
        if self.rules is not None:
            others = [each for each in self.rules.rows if each.id != rule.id]
            self.rules = Listing(tuple(sorted([*others, rule], key=lambda each: each.id)))

    def rule_gone(self, rule_id: int) -> None:
        if self.rules is not None:
            self.rules = Listing(tuple(rule for rule in self.rules.rows if rule.id != rule_id))

    def rule(self, rule_id: int | None) -> AlertRule | None:
        return self.rules.get(rule_id) if self.rules is not None else None

    def raised_by(self, rule: AlertRule) -> Sequence[Alert]:
        return [alert for alert in self.active.rows if alert.rule_id == rule.id]

    def _sort(self) -> None:
        newest = sorted(self._known.values(), key=lambda alert: -alert.id)
        for old in [alert for alert in newest if alert.resolved][KEPT:]:
            del self._known[old.id]
        self.history = Listing(tuple(alert for alert in newest if alert.id in self._known))
        active = [alert for alert in newest if not alert.resolved]
        self.active = Listing(
            tuple(sorted(active, key=lambda alert: (alert.acknowledged_at is not None, -alert.level.rank)))
        )
