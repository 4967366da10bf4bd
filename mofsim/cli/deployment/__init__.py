"""What `mofsim doctor --deploy` looks at: an installation that runs, by the settings here and the server they name.

Nothing is changed by looking. What can not be asked is told as such, and the rest is looked at all the same.
"""

from mofsim.cli.app import App
from mofsim.cli.checks import Check
from mofsim.cli.deployment import box, clocks, keys, rows, serving, storing, tickets, work


def checks(app: App) -> list[Check]:
    settings = app.settings
    server = serving.ask(app.client)
    with rows.opened(settings) as database:
        return [
            *serving.answers(server, settings),
            *serving.line(app),
            *serving.proxies(settings),
            *keys.local(settings, database.rows),
            *keys.admins(settings, database.rows),
            *database.checks,
            *tickets.look(settings),
            *clocks.agree(server, database),
            *work.workers(server, settings, database),
            *work.chores(database),
            *storing.room(settings, database.rows),
            *storing.results(settings),
            *storing.sent(settings),
            *storing.shared(settings, server),
            *box.service(),
            *box.logs(settings),
            *box.backups(settings, database.rows),
            *box.open_files(settings),
        ]
