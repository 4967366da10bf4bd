"""Where webhooks may go, from the submit body on."""

import httpx
import pytest
import sqlalchemy.exc
from pydantic import ValidationError

from mofsim.core import models, submission, targets
from mofsim.core.errors import Conflict, Invalid
from mofsim.core.submission import Defaults
from mofsim.db.engine import Database
from mofsim.db.tables import Structure, Task
from mofsim.schemas.submission import BatchSubmit, OptimizationSubmit
from mofsim.schemas.webhooks import Callback
from mofsim.settings import Settings
from mofsim.vocabulary import TaskType

PUBLIC = ["http://8.8.8.8/", "https://1.1.1.1:8443/x?y=1", "https://[2606:4700::1111]/"]
NOT_PUBLIC = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f.0.0.1/",
    "http://10.1.2.3/",
    "http://172.16.0.1/",
    "http://192.168.0.1/",
    "http://169.254.169.254/latest/meta-data",
    "http://100.64.0.1/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://0.0.0.0/",
    "http://[::]/",
    "http://[::1]/",
    "http://[fe80::1]/",
    "http://[fd00:ec2::254]/",
    "http://[ff02::1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[64:ff9b::a00:1]/",
    "http://[64:ff9b:1::1]/",
    "http://[2002:7f00:1::]/",
]
NO_TARGET = [
    "",
    "lab.example.org",
    "ftp://lab.example.org/",
    "file:///etc/passwd",
    "http:///x",
    "http://user:pass@8.8.8.8/",
    "http://8.8.8.8:0/",
    "http://8.8.8.8:99999/",
    "http://exa mple.com/",
    "http://a\nb/",
    "http://[fe80::1%25eth0]/",
    "http://xn--/",
]


@pytest.mark.parametrize("url", PUBLIC)
def test_public_addresses_are_welcome(url: str) -> None:
    targets.check(url, allow_private=False, look_up=False)


@pytest.mark.parametrize("url", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_refused_however_it_is_written(url: str) -> None:
    with pytest.raises(Invalid, match="not a public address") as refused:
        targets.check(url, allow_private=False, look_up=False)
    assert (refused.value.field, refused.value.type) == ("options.callback.url", "PrivateAddress")
    targets.check(url, allow_private=True, look_up=False)


@pytest.mark.parametrize("url", NO_TARGET)
def test_what_is_no_plain_web_address_is_refused_even_where_private_ones_are_not(url: str) -> None:
    with pytest.raises(Invalid):
        targets.check(url, allow_private=True, look_up=False)


def test_a_name_is_refused_for_the_address_behind_it() -> None:
    with pytest.raises(Invalid, match=r"localhost is (127\.0\.0\.1|::1)"):
        targets.check("http://localhost/", allow_private=False, look_up=True)
    assert targets.resolve(httpx.URL("http://localhost/"), allow_private=True)


def test_a_name_that_is_not_known_yet_is_let_in() -> None:
    targets.check("http://no-such-host.invalid/", allow_private=False, look_up=True)


def body(url: str = "https://lab.example.org/", **callback: object) -> OptimizationSubmit:
    return OptimizationSubmit.model_validate(
        {
            "structure": {"source": "builtin", "name": "MOF-5"},
            "options": {"priority": "HIGH", "callback": {"url": url, **callback}},
        }
    )


@pytest.fixture
def session(database: Database, structure: Structure):
    with database.write() as session:
        models.synchronise(session, Settings().models)
        yield session


def submit(session, given: OptimizationSubmit, **how: object) -> Task:
    defaults = Defaults("7net-0", 60.0, 3)
    return submission.submit(session, TaskType.OPTIMIZATION, given, defaults, **how)  # type: ignore[arg-type]


def test_a_submit_keeps_where_what_and_with_which_key(session) -> None:
    task = submit(session, body(events=["task.failed", "task.failed"], secret="hush"))
    assert (task.callback_url, task.callback_events) == ("https://lab.example.org/", ["task.failed"])
    assert task.callback_secret == "hush" and task.options == {"priority": "HIGH"}


def test_a_submit_to_a_private_address_is_refused(session) -> None:
    with pytest.raises(Invalid) as refused:
        submit(session, body("http://10.0.0.1/"))
    assert refused.value.field == "options.callback.url"


def test_names_are_looked_up_before_the_transaction_and_the_field_says_which(session) -> None:
    with pytest.raises(Invalid) as refused:
        submission.check_callbacks(body("http://localhost/"), allow_private=False)
    assert refused.value.field == "options.callback.url"
    items = [body().model_dump() | {"task_type": "optimization"} for _ in range(2)]
    items[1]["options"]["callback"]["url"] = "http://localhost/"
    with pytest.raises(Invalid) as refused:
        submission.check_callbacks(BatchSubmit.model_validate({"tasks": items}), allow_private=False)
    assert refused.value.field == "tasks.1.options.callback.url"
    submission.check_callbacks(body("http://localhost/"), allow_private=True)


def test_an_idempotency_key_with_another_receiver_is_another_request(session) -> None:
    submit(session, body(), idempotency_key="k")
    with pytest.raises(Conflict):
        submit(session, body("https://other.example.org/"), idempotency_key="k")


@pytest.mark.parametrize("secret", ["", "x" * 501, 12345678, ["hush-hush"]])
def test_a_refused_secret_is_not_quoted(secret: object) -> None:
    with pytest.raises(ValidationError) as refused:
        Callback.model_validate({"url": "https://lab.example.org/", "secret": secret})
    (error,) = refused.value.errors()
    assert error["loc"] == () and "secret must be a text" in error["msg"]


def test_a_secret_shows_in_no_repr_or_dump() -> None:
    given = body(secret="hush")
    assert "hush" not in repr(given) + given.model_dump_json() + str(given.model_dump())


def test_an_error_of_the_database_does_not_quote_the_row(session) -> None:
    with pytest.raises(sqlalchemy.exc.IntegrityError) as error, session.begin_nested():
        session.execute(Task.__table__.insert().values(callback_secret="hush"))
    assert "hush" not in str(error.value)
