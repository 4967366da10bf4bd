"""Keys: only the hash is kept, only a valid one is taken, and the account's own is nobody else's."""

import hashlib
import os
import stat
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from mofsim.core import keys, local_key
from mofsim.core.errors import Conflict, Invalid
from mofsim.core.keys import WrongKey
from mofsim.db.engine import Database
from mofsim.db.tables import ApiKey, utcnow
from mofsim.settings.places import local_key_file
from mofsim.vocabulary import Scope


def make(database: Database, name: str = "bot", scope: Scope = Scope.READ, seconds: float | None = None) -> str:
    with database.write() as session:
        return keys.add(session, name, scope, utcnow() + timedelta(seconds=seconds) if seconds else None)[1]


def refusal(database: Database, token: str) -> str:
    with pytest.raises(WrongKey) as refused, database.read() as session:
        keys.holder(session, token)
    return refused.value.reason


def test_a_key_is_taken_and_its_secret_is_not_in_the_database(database: Database) -> None:
    token = make(database, "bot", Scope.SUBMIT)
    with database.read() as session:
        holder = keys.holder(session, token)
        row = session.get_one(ApiKey, holder.key_id)
    assert (holder.name, holder.scope) == ("bot", Scope.SUBMIT)
    secret = token.rsplit("_", 1)[1]
    assert row.key_hash == hashlib.sha256(secret.encode()).hexdigest()
    assert database.url.database
    for file in Path(database.url.database).parent.glob("*.db*"):
        assert secret.encode() not in file.read_bytes()


def test_each_key_is_another_and_hard_to_guess(database: Database) -> None:
    tokens = [make(database, f"bot {n}") for n in range(5)]
    secrets = {token.rsplit("_", 1)[1] for token in tokens}
    assert len(secrets) == 5 and all(len(bytes.fromhex(secret)) == 32 for secret in secrets)


def test_what_is_not_the_key_is_unknown(database: Database) -> None:
    token = make(database)
    other = make(database, "other")
    secret, others = token.rsplit("_", 1)[1], other.rsplit("_", 1)[1]
    wrong = [
        "",
        secret,
        token[:-1],
        token + "0",
        token.upper(),
        f"mofsim_1_{others}",
        f"mofsim_99_{secret}",
        f"mofsim_01_{secret}",
        f"mofsim_{'9' * 30}_{secret}",
        f"mofsim_\N{ARABIC-INDIC DIGIT ONE}_{secret}",
        f"{token}\n",
    ]
    assert {text: refusal(database, text) for text in wrong} == dict.fromkeys(wrong, "unknown")


def test_a_revoked_and_an_expired_key_are_refused_for_that(database: Database) -> None:
    revoked, expired, lasting = make(database, "a"), make(database, "b", seconds=-1), make(database, "c", seconds=60)
    with database.write() as session:
        keys.revoke(session, keys.holder(session, revoked).key_id)
    assert (refusal(database, revoked), refusal(database, expired)) == ("revoked", "expired")
    with database.read() as session:
        assert keys.holder(session, lasting).name == "c"


def test_two_valid_keys_do_not_share_a_name(database: Database) -> None:
    with database.write() as session:
        first, _ = keys.create(session, "bot", Scope.READ)
        with pytest.raises(Conflict, match="already"):
            keys.create(session, "bot", Scope.ADMIN)
        keys.revoke(session, first.id)
        keys.create(session, "bot", Scope.ADMIN)
        with pytest.raises(Invalid, match="by itself"):
            keys.create(session, "local", Scope.READ)
        with pytest.raises(Invalid, match="past"):
            keys.create(session, "late", Scope.READ, utcnow())


@pytest.mark.parametrize(
    ("has", "allowed"),
    [
        (Scope.READ, {Scope.READ}),
        (Scope.SUBMIT, {Scope.READ, Scope.SUBMIT}),
        (Scope.WORKER, {Scope.WORKER}),
        (Scope.ADMIN, {Scope.READ, Scope.SUBMIT, Scope.WORKER, Scope.ADMIN}),
    ],
)
def test_each_scope_allows_what_those_before_it_do(has: Scope, allowed: set[Scope]) -> None:
    assert {needed for needed in Scope if has.allows(needed)} == allowed


def test_the_key_of_the_account_is_for_nobody_else_to_read(database: Database, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        local_key.ensure(database, tmp_path)
    finally:
        os.umask(before)
    file = local_key_file(tmp_path)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (file, file.parent)] == [0o600, 0o700]
    assert list(file.parent.iterdir()) == [file]
    with database.read() as session:
        assert keys.holder(session, file.read_text().strip()).scope is Scope.ADMIN


def test_it_stays_the_same(database: Database, tmp_path: Path) -> None:
    local_key.ensure(database, tmp_path)
    first = local_key_file(tmp_path).read_text()
    local_key.ensure(database, tmp_path)
    assert local_key_file(tmp_path).read_text() == first


@pytest.mark.parametrize("trouble", ["gone", "exposed", "garbage", "revoked"])
def test_it_is_made_anew_when_it_is_of_no_use_any_more(database: Database, tmp_path: Path, trouble: str) -> None:
    local_key.ensure(database, tmp_path)
    file = local_key_file(tmp_path)
    first = file.read_text().strip()
    match trouble:
        case "gone":
            file.unlink()
        case "exposed":
            file.chmod(0o644)
        case "garbage":
            file.write_bytes(b"\xff\n")
        case "revoked":
            with database.write() as session:
                keys.revoke(session, keys.holder(session, first).key_id)
    local_key.ensure(database, tmp_path)
    second = file.read_text().strip()
    assert refusal(database, first) == "revoked" and stat.S_IMODE(file.stat().st_mode) == 0o600
    with database.read() as session:
        assert keys.holder(session, second).name == "local"


def test_several_that_start_at_once_agree_on_one(database: Database, tmp_path: Path) -> None:
    others = [Database(database.url.render_as_string()) for _ in range(4)]
    threads = [threading.Thread(target=local_key.ensure, args=(other, tmp_path)) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert [key.name for key in keys.listing(session) if keys.is_valid(key)] == ["local"]
        assert keys.holder(session, local_key_file(tmp_path).read_text().strip()).name == "local"
    for other in others:
        other.close()
