"""A mistake says where it is, what is wrong and what would be right."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mofsim.settings import Settings

Load = Callable[..., Settings]
Mistakes = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (
            '\n[server]\nport = "80a"',
            'settings.toml:3: server.port: "80a" is not a whole number; write a port from 1 to 65535, e.g. port = 8321',
        ),
        (
            "server.port = true",
            "settings.toml:1: server.port: true is not a whole number; write a port from 1 to 65535, e.g. port = 8321",
        ),
        (
            "server = { port = 0 }",
            "settings.toml:1: server.port: 0 is too small; write a port from 1 to 65535, e.g. port = 8321",
        ),
        (
            "[server]\nport = 70000",
            "settings.toml:2: server.port: 70000 is too large; write a port from 1 to 65535, e.g. port = 8321",
        ),
        (
            "[scheduler]\nlease_seconds = 'x'",
            'settings.toml:2: scheduler.lease_seconds: "x" is not a number; write seconds above 0, '
            "e.g. lease_seconds = 30",
        ),
        (
            "[worker]\nstop_grace_seconds = inf",
            "settings.toml:2: worker.stop_grace_seconds: Infinity does not fit; write seconds above 0, "
            "e.g. stop_grace_seconds = 15",
        ),
        (
            "[worker]\ngpus = [0, -1]",
            'settings.toml:2: worker.gpus: [0, -1] does not fit; write "all" or a list of indices like [0, 1], '
            'e.g. gpus = "all"',
        ),
        (
            "[security]\nallow_remote = 'yes'",
            'settings.toml:2: security.allow_remote: "yes" is not true or false; write true or false, '
            "e.g. allow_remote = false",
        ),
        (
            "[logging]\nlevel = 'LOUD'",
            'settings.toml:2: logging.level: "LOUD" does not fit; write "DEBUG", "INFO", "WARNING", "ERROR", '
            'e.g. level = "INFO"',
        ),
        (
            "[server]\nhost = ''",
            'settings.toml:2: server.host: "" is empty; write an address of this machine, e.g. host = "127.0.0.1"',
        ),
        (
            "[models.mine]\ncheckpoint = '/m'\nelements = ['Zn', 'oxygen']",
            'settings.toml:3: models.mine.elements: ["Zn", "oxygen"] does not fit; '
            'write a list of symbols like ["H", "C"]',
        ),
        (
            "[models.mine]\ncheckpoint = '/m'\nframework = 'mice'",
            'settings.toml:3: models.mine.framework: "mice" is no framework; there are: ase, chgnet, fairchem, mace, '
            "mattersim, orb, sevenn",
        ),
        (
            "[server]\nprot = 1",
            "settings.toml:2: server.prot: there is no such setting; did you mean server.port?",
        ),
        (
            "[server]\nmax_atoms = 1",
            "settings.toml:2: server.max_atoms: there is no such setting; did you mean storage.max_atoms?",
        ),
        (
            "[queue]\nzzz = 1",
            "settings.toml:2: queue.zzz: there is no such setting; [queue] has: backend, url, poll_interval_seconds",
        ),
        (
            "[models.7net-0]\nd4 = true",
            "settings.toml:2: models.7net-0.d4: there is no such setting; did you mean models.7net-0.d3?",
        ),
        (
            "[sever]\nport = 1",
            "settings.toml:2: sever.port: there is no table [sever]; did you mean [server]?",
        ),
        (
            "[zzz]\nport = 1",
            "settings.toml:2: zzz.port: there is no table [zzz]; there are: server, database, queue, storage, "
            "scheduler, worker, logging, webhooks, alerts, security, models, profiles",
        ),
        ("server = 5", "settings.toml:1: server: server is a table: write [server] and its keys below"),
        (
            "[models]\nx = 5",
            "settings.toml:2: models.x: models are tables: write [models.NAME] and its keys below",
        ),
        (
            '[models."my model"]\ncheckpoint = "/m"',
            "settings.toml:2: models.my model.checkpoint: a model's name holds letters, digits, dots, - and _ only",
        ),
        (
            '[models.custom]\ncheckpoint = "/m"',
            "settings.toml:2: models.custom.checkpoint: `custom` is where uploaded models are; choose another name",
        ),
        (
            "[models.mine]\nd3 = true",
            'settings.toml:2: models.mine: has no checkpoint; write e.g. checkpoint = "/data/my-model.pth"',
        ),
        (
            "[scheduler]\ndefault_model = 'mace'",
            'settings.toml:2: scheduler.default_model: there is no model "mace"; there are: 7net-0, 7net-l3i5, chgnet',
        ),
        (
            "[scheduler]\nlease_seconds = 9\nheartbeat_seconds = 3",
            "settings.toml:3: scheduler.heartbeat_seconds: 3 is too long: a lease of 9 seconds must be renewed "
            "at least three times; write less than 3",
        ),
        (
            "[database]\nurl = 'sqlite:///here.db'",
            'settings.toml:2: database.url: "sqlite:///here.db" does not fit; '
            'write "", sqlite:////folder/file (four slashes) or postgresql://user:password@host/name',
        ),
        (
            "[queue]\nbackend = 'redis'",
            'settings.toml:2: queue.url: "" does not fit queue.backend = "redis"; write redis://host:6379/0',
        ),
        (
            "[queue]\nbackend = 'postgresql'",
            'settings.toml:2: queue.url: "" does not fit queue.backend = "postgresql"; '
            "write postgresql://user:password@host/name",
        ),
        (
            "[queue]\nurl = 'redis://box'",
            'settings.toml:2: queue.url: "redis://box" is of no use while queue.backend is "sqlite"; write ""',
        ),
        (
            "[alerts.channels.on-call]\nkind = 'webhook'",
            'settings.toml:1: alerts.channels: the channel on-call has no url, which one of kind "webhook" needs',
        ),
        (
            "[alerts.channels.on-call]\nkind = 'mail'\nurl = 'mailto://me:password@example.org'",
            'settings.toml:1: alerts.channels: { on-call = { kind = "mail", url = "***" } } does not fit; write tables '
            '[alerts.channels.NAME] with kind = "log", "file", "webhook" or "apprise", and their url or path, '
            'e.g. channels = { log = { kind = "log", min_level = "INFO" } }',
        ),
        (
            "[profiles.lab.server]\nport = 0",
            "settings.toml:2 (profile lab): server.port: 0 is too small; write a port from 1 to 65535, "
            "e.g. port = 8321",
        ),
    ],
)
def test_a_mistake_in_a_file_says_where_it_is_and_what_is_right(mistakes: Mistakes, toml: str, message: str) -> None:
    assert mistakes(toml) == [message]


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        (
            "MOFSIM_SERVER__PORT",
            "80a",
            'MOFSIM_SERVER__PORT: server.port: "80a" is not a whole number; write a port from 1 to 65535, '
            "e.g. MOFSIM_SERVER__PORT=8321",
        ),
        (
            "MOFSIM_WORKER__GPUS",
            "0,x",
            'MOFSIM_WORKER__GPUS: worker.gpus: "0,x" does not fit; write "all" or a list of indices like [0, 1], '
            "e.g. MOFSIM_WORKER__GPUS=all",
        ),
        (
            "MOFSIM_SERVER_PORT",
            "1",
            "MOFSIM_SERVER_PORT: there is no such setting; did you mean MOFSIM_SERVER__PORT?",
        ),
        (
            "MOFSIM_SERVER__PROT",
            "1",
            "MOFSIM_SERVER__PROT: server.prot: there is no such setting; did you mean server.port?",
        ),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(
    mistakes: Mistakes, variable: str, text: str, message: str
) -> None:
    assert mistakes(env={variable: text}) == [message]


def test_a_mistake_in_a_dotenv_file_names_file_and_variable(mistakes: Mistakes, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MOFSIM_SERVER__PORT=x\n")
    assert mistakes()[0].startswith('.env: MOFSIM_SERVER__PORT: server.port: "x" is not a whole number')


def test_a_mistake_on_the_command_line_is_told_as_such(mistakes: Mistakes) -> None:
    assert mistakes(overrides={"server.port": 0})[0].startswith("command line: server.port: 0 is too small")


def test_all_mistakes_are_told_at_once(mistakes: Mistakes) -> None:
    told = mistakes("[server]\nport = 0\nhots = 1\n[profiles.lab.queue]\nbackend = 'x'", {"MOFSIM_X__Y": "1"})
    assert [line.split(": ")[0] for line in told] == [
        "settings.toml:2",
        "settings.toml:3",
        "MOFSIM_X__Y",
        "settings.toml:5 (profile lab)",
    ]


def test_a_syntax_error_says_file_and_line(mistakes: Mistakes) -> None:
    assert mistakes("[server]\nport = = 3")[0].startswith("settings.toml:2: not valid TOML: ")


def test_a_contradiction_is_told_where_somebody_wrote(mistakes: Mistakes) -> None:
    (told,) = mistakes("scheduler.lease_seconds = 2")
    assert told.startswith("settings.toml:1: scheduler.heartbeat_seconds: 1 is too long")


def test_a_box_whose_files_are_elsewhere_has_its_rows_there_too(mistakes: Mistakes, load: Load) -> None:
    server = '[worker]\nserver = "http://mofsim.example.org:8321"\n'
    [told] = mistakes(server)
    assert told.startswith("settings.toml:2: worker.server: files go to another box") and "give database.url" in told
    [told] = mistakes('[worker]\nserver = "mofsim.example.org"')
    assert 'an address like "http://mofsim.example.org:8321"' in told
    settings = load(f'{server}server_key_file = "box.key"\n[database]\nurl = "sqlite:////data/mofsim.db"')
    assert settings.worker.server_key_file.endswith("/box.key") and settings.worker.server_key_file.startswith("/")


def test_a_dotenv_file_that_is_no_text_is_told(mistakes: Mistakes, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe")
    assert mistakes() == [".env: is not UTF-8 text"]


def test_a_file_that_is_no_text_is_told(mistakes: Mistakes, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_bytes(b"\xff\xfe")
    assert mistakes() == ["settings.toml: is not UTF-8 text"]


def test_a_named_file_that_is_missing_is_an_error(mistakes: Mistakes, tmp_path: Path) -> None:
    assert mistakes(path=tmp_path / "no.toml") == [f"{tmp_path}/no.toml: no such settings file"]
    named = mistakes(env={"MOFSIM_SETTINGS": "no.toml"})
    assert named == [f"MOFSIM_SETTINGS: {tmp_path}/no.toml: no such settings file"]


def test_an_unknown_profile_names_the_known_ones(mistakes: Mistakes) -> None:
    assert mistakes("[profiles.lab]", profile="lap") == ["settings.toml: no profile lap; there are: dev, lab"]
    assert mistakes(env={"MOFSIM_PROFILE": "x"}) == ["settings.toml: no profile x; there are: dev, lab"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "box.example.org"])
def test_an_address_that_others_reach_must_be_allowed(load: Load, mistakes: Mistakes, host: str) -> None:
    toml = f"[server]\nhost = '{host}'\n"
    (told,) = mistakes(toml)
    assert told.startswith(f'settings.toml:2: server.host: "{host}" lets other machines in')
    assert "security.allow_remote = true" in told and "ssh -L 8321:127.0.0.1:8321" in told
    assert load(toml + "[security]\nallow_remote = true").server.host == host


def test_others_are_let_in_only_with_keys(mistakes: Mistakes) -> None:
    (told,) = mistakes("[security]\nallow_remote = true\nrequire_keys = false")
    assert told.startswith("settings.toml:3: security.require_keys: without keys all who reach the server")


@pytest.mark.parametrize(("given", "missing"), [("tls_cert", "tls_key"), ("tls_key", "tls_cert")])
def test_a_certificate_and_its_key_go_together(mistakes: Mistakes, given: str, missing: str) -> None:
    (told,) = mistakes(f"[server]\n{given} = '/etc/a.pem'")
    assert told.startswith(f"settings.toml:2: server.{given}: ") and told.endswith(f"give server.{missing} too")


@pytest.mark.parametrize("proxy", ["box", "*", "10.0.0.1/8", ""])
def test_a_proxy_is_named_by_its_address(mistakes: Mistakes, proxy: str) -> None:
    (told,) = mistakes(f"[server]\ntrusted_proxies = ['127.0.0.1', '{proxy}']")
    assert told.startswith(f'settings.toml:2: server.trusted_proxies: "{proxy}" is no address')


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_an_address_of_this_machine_needs_no_permission(load: Load, host: str) -> None:
    assert load(overrides={"server.host": host}).server.host == host


@pytest.mark.parametrize(
    ("toml", "line"),
    [
        ("[profiles.lab]\nserver = { port = 0 }", 2),
        ("[profiles]\nlab.server.port = 0", 2),
        ("[ profiles . 'lab' . server ] # here\n\n  port = 0", 3),
        ("x = '''\n[profiles.lab.server]\nport = 1\n'''\n[profiles.lab.server]\nport = 0", 6),
    ],
)
def test_the_line_of_a_key_is_found_in_every_spelling(mistakes: Mistakes, toml: str, line: int) -> None:
    assert any(told.startswith(f"settings.toml:{line} (profile lab): server.port") for told in mistakes(toml))
