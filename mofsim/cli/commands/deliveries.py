"""`mofsim deliveries`, `redeliver`: what the receiver of a task's webhooks was told."""

import click

from mofsim.cli import text
from mofsim.cli.app import App, command, task_id
from mofsim.cli.output import Column
from mofsim.schemas.webhooks import Delivery
from mofsim.vocabulary import DeliveryState

_COLUMNS = [
    Column("ID", right=True),
    Column("EVENT"),
    Column("STATE"),
    Column("TRIES", right=True),
    Column("HTTP", right=True),
    Column("HAPPENED", right=True),
    Column("NEXT TRY"),
    Column("LAST ERROR"),
]


@command()
@task_id
@click.pass_obj
def deliveries(app: App, id: int) -> None:
    """List what the receiver of a task was told or is to be told, oldest first.

    With --json: a list of deliveries.
    """
    found = app.client.deliveries(id)
    if app.json:
        return app.out.document(found)
    app.out.table(_COLUMNS, [_row(delivery) for delivery in found], empty=f"nobody was told of task {id}")


def _row(delivery: Delivery) -> list[str]:
    return [
        str(delivery.id),
        delivery.event,
        delivery.state,
        str(delivery.attempts),
        str(delivery.response_status or ""),
        text.age(delivery.created_at),
        text.clock(delivery.next_attempt_at) if delivery.state is DeliveryState.PENDING else "",
        delivery.last_error or "",
    ]


@command()
@click.argument("delivery", type=click.IntRange(min=1), metavar="DELIVERY")
@click.pass_obj
def redeliver(app: App, delivery: int) -> None:
    """Send a delivery once more, or now instead of later; `mofsim deliveries` gives its id.

    With --json: the delivery.
    """
    found = app.client.redeliver(delivery)
    if app.json:
        return app.out.document(found)
    app.out.line(f"delivery {found.id} ({found.event} of task {found.task_id}) is sent once more")
