"""Structure files: what can be simulated is stored, anything else is refused with the reason and leaves nothing."""

import io
import os
import re
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from mofsim.core.storage import Storage
from mofsim.db.tables import Structure, Task
from mofsim.server.app import create_app, prepare
from mofsim.settings import Settings

STRUCTURES = "/api/v1/structures"
CUBE = '2\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3\nC 0 0 0\nO 2 2 2\n'

Refused = Callable[..., None]
MakeSettings = Callable[..., Settings]


@pytest.fixture
def refused(count: Callable[[type[Task | Structure]], int], settings: Settings) -> Refused:
    """The answer says what is wrong, and nothing was stored."""

    def check(answer: httpx.Response, status: int, field: str | None, *words: str) -> None:
        error = answer.json()["error"]
        assert (answer.status_code, error["field"]) == (status, field), error
        for word in words:
            assert word in error["detail"], error
        storage = Storage(settings.storage.root)
        assert count(Structure) == len(list((storage.structures / "builtin").glob("*.cif")))
        assert count(Task) == 0
        assert [path.name for path in storage.structures.iterdir()] == ["builtin"]
        assert list(storage.incoming.iterdir()) == []

    return check


async def upload(
    client: httpx.AsyncClient, content: bytes | str, filename: str = "cube.xyz", **fields: str
) -> httpx.Response:
    return await client.post(STRUCTURES, files={"file": (filename, content)}, data=fields)


@asynccontextmanager
async def client_of(settings: Settings, with_key: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://[::1]", headers=with_key) as client,
    ):
        yield client


async def test_an_uploaded_structure_is_listed_downloaded_used_and_deleted(client: httpx.AsyncClient) -> None:
    answer = await upload(client, CUBE, "My cube.xyz")
    assert answer.status_code == 201, answer.text
    structure = answer.json()["data"]
    path = answer.headers["location"]
    assert path == f"{STRUCTURES}/{structure['id']}"
    assert (structure["name"], structure["original_name"], structure["n_atoms"]) == ("My cube", "My cube.xyz", 2)
    assert (structure["formula"], structure["elements"], structure["is_builtin"]) == ("CO", ["C", "O"], False)
    assert (await client.get(path)).json()["data"] == structure
    uploaded = await client.get(f"{STRUCTURES}?builtin=false")
    assert uploaded.json()["data"]["items"] == [structure]

    file = await client.get(f"{path}/file")
    assert (file.text, file.headers["content-type"]) == (CUBE, "text/plain; charset=utf-8")
    assert file.headers["content-disposition"].startswith("attachment")
    assert file.headers["x-content-type-options"] == "nosniff"

    for form in ("normalised", "cif"):
        file = await client.get(f"{path}/file?form={form}")
        assert file.headers["content-type"] == "text/plain; charset=utf-8"
        assert file.headers["content-disposition"].startswith("attachment")
        assert file.headers["x-content-type-options"] == "nosniff"

    body = {"structure": {"source": "upload", "id": structure["id"]}}
    task = (await client.post("/api/v1/tasks/single-point", json=body)).json()["data"]
    in_use = await client.delete(path)
    assert in_use.status_code == 409 and "delete them first" in in_use.json()["error"]["detail"]
    await client.post(f"/api/v1/tasks/{task['id']}/cancel")
    await client.delete(f"/api/v1/tasks/{task['id']}")
    assert (await client.delete(path)).status_code == 200
    assert (await client.get(path)).status_code == 404


async def test_a_builtin_structure_can_not_be_deleted(client: httpx.AsyncClient) -> None:
    builtin = (await client.get(f"{STRUCTURES}/builtin")).json()["data"]["items"]
    assert {each["name"] for each in builtin} >= {"MOF-5"}
    assert (await client.delete(f"{STRUCTURES}/{builtin[0]['id']}")).status_code == 409


async def test_name_and_format_can_be_given(client: httpx.AsyncClient) -> None:
    answer = await upload(client, CUBE, "structure.extxyz", name="Å cube", format="extxyz")
    assert (answer.json()["data"]["name"], answer.json()["data"]["format"]) == ("Å cube", "extxyz")
    file = await client.get(f"{answer.headers['location']}/file")
    assert file.text == CUBE


@pytest.mark.parametrize("name", ["../../../etc/passwd", "..\\..\\boot.ini", "/etc/passwd", "a\x1b[2Jb.xyz", "." * 300])
async def test_a_hostile_file_name_stays_a_name(client: httpx.AsyncClient, settings: Settings, name: str) -> None:
    answer = await upload(client, CUBE, name)
    assert answer.status_code == 201, answer.text
    assert answer.json()["data"]["original_name"].isprintable()
    assert (await client.get(f"{answer.headers['location']}/file")).text == CUBE
    root = settings.storage.root
    (folder,) = [path for path in Storage(root).structures.iterdir() if path.name != "builtin"]
    assert all(re.fullmatch(r"[\w.+-]+", path.name) for path in (folder, *folder.iterdir()))
    # Nothing came to be anywhere else.
    assert {path.name for path in root.parent.iterdir()} == {"data", "settings.toml"}
    assert not {"passwd", "boot.ini"} & {path.name for path in root.iterdir()}


UNREADABLE = [
    (b"", "is empty"),
    (b" \n\n ", "is empty"),
    (b"this is no structure\nat all\n", "starts with the number of atoms"),
    (b"\x7fELF\x00\x01\x02" * 100, "not text"),
    (os.urandom(5000), "not text"),
    (b"2\n\nC 0 0 0\nO 2 2 2\n", "no cell"),
    (CUBE.replace("O 2 2 2", "O 0.3 0 0").encode(), "0.300 Å apart"),
    (CUBE.replace("O 2 2 2", "O 0 0 0").encode(), "apart"),
    (CUBE.replace("O 2 2 2", "Xx 2 2 2").encode(), "element"),
    (CUBE.replace("O 2 2 2", "O nan 2 2").encode(), "NaN"),
    (CUBE.replace("2\n", "3\n", 1).encode(), "cannot be read"),
    (b"data_x\n_cell_length_a 5\nloop_\n_atom_site_label\nC1\n", "no coordinates"),
]


@pytest.mark.parametrize(("content", "words"), UNREADABLE, ids=[case[1] for case in UNREADABLE])
async def test_a_file_that_can_not_be_simulated_is_refused(
    client: httpx.AsyncClient, refused: Refused, content: bytes, words: str
) -> None:
    refused(await upload(client, content), 422, "file", words)


async def test_a_structure_of_too_many_atoms_is_refused(make_settings: MakeSettings, with_key: dict[str, str]) -> None:
    async with client_of(make_settings({"storage.max_atoms": 1}), with_key) as client:
        answer = await upload(client, CUBE)
        assert answer.status_code == 422 and "2 atoms" in answer.json()["error"]["detail"]


async def test_a_file_that_takes_too_long_to_read_is_refused(
    make_settings: MakeSettings, with_key: dict[str, str]
) -> None:
    async with client_of(make_settings({"storage.parse_timeout_seconds": 0.01}), with_key) as client:
        error = (await upload(client, CUBE)).json()["error"]
        assert (error["type"], error["field"]) == ("ParseTimeout", "file")
        assert (await client.get(f"{STRUCTURES}?builtin=false")).json()["data"]["items"] == []


async def test_a_form_without_its_file_is_refused(client: httpx.AsyncClient, refused: Refused) -> None:
    other = {"upload": ("cube.xyz", CUBE)}
    refused(await client.post(STRUCTURES, files=other), 422, "file", "is missing")
    nothing = {"file": (None, CUBE)}
    refused(await client.post(STRUCTURES, files=nothing), 422, "file", "must be sent as a file")
    two = [("file", ("a.xyz", CUBE)), ("file", ("b.xyz", CUBE))]
    refused(await client.post(STRUCTURES, files=two), 422, "file", "one file at a time")
    three = [("file", (f"{n}.xyz", CUBE)) for n in range(3)]
    refused(await client.post(STRUCTURES, files=three), 400, None, "Too many files")


async def test_odd_fields_beside_the_file_are_refused(client: httpx.AsyncClient, refused: Refused) -> None:
    refused(await upload(client, CUBE, format="pdb"), 422, "format", "'cif'")
    refused(await upload(client, CUBE, name="a\x1b[2Jb"), 422, "name", "printable")
    refused(await upload(client, CUBE, name="a" * 201), 422, "name", "at most 200")
    refused(await upload(client, CUBE, colour="red"), 422, "colour", "not known")


async def test_a_body_that_is_no_form_is_refused(client: httpx.AsyncClient, refused: Refused) -> None:
    refused(await client.post(STRUCTURES, json={"file": CUBE}), 415, "Content-Type", "multipart/form-data")
    refused(await client.post(STRUCTURES), 415, "Content-Type", "multipart/form-data")
    kind = {"Content-Type": "multipart/form-data"}
    refused(await client.post(STRUCTURES, content=b"x", headers=kind), 400, None, "boundary")
    kind = {"Content-Type": "multipart/form-data; boundary=abc"}
    refused(await client.post(STRUCTURES, content=b"not a form", headers=kind), 400, None, "multipart")
    cut = b'--abc\r\nContent-Disposition: form-data; name="file"; filename="a.xyz"\r\n\r\n' + CUBE.encode()
    answer = await client.post(STRUCTURES, content=cut, headers=kind)
    assert answer.status_code in (400, 422), answer.text


async def test_what_a_dead_server_left_of_uploads_is_removed(settings: Settings) -> None:
    leftover = Storage(settings.storage.root).incoming / "abc"
    leftover.mkdir(parents=True)
    (leftover / "cube.xyz").write_text(CUBE)
    prepare(settings)
    assert not leftover.exists()


def test_a_file_of_200_MB_is_refused_and_nothing_is_kept(
    server: str, with_key: dict[str, str], refused: Refused, tmp_path: Path
) -> None:
    path = tmp_path / "large.xyz"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    with httpx.Client(base_url=server, timeout=60, headers=with_key) as client, path.open("rb") as file:
        refused(client.post(STRUCTURES, files={"file": file}), 413, "file", "20 MB", "storage.max_upload_MB")
        assert client.get("/health").status_code == 200


def test_an_endless_upload_is_refused_when_it_proves_too_large(
    server: str, with_key: dict[str, str], refused: Refused
) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'--abc\r\nContent-Disposition: form-data; name="file"; filename="a.xyz"\r\n\r\n'
        for _ in range(30):
            yield b" " * 1_000_000

    kind = {"Content-Type": "multipart/form-data; boundary=abc"}
    with httpx.Client(base_url=server, timeout=60, headers=with_key) as client:
        refused(client.post(STRUCTURES, content=pieces(), headers=kind), 413, "file", "20 MB")


def test_many_uploads_at_once_are_all_stored(server: str, with_key: dict[str, str]) -> None:
    with httpx.Client(base_url=server, timeout=60, headers=with_key) as client, ThreadPoolExecutor(4) as pool:

        def store(number: int) -> int:
            file = {"file": (f"{number}.xyz", io.BytesIO(CUBE.encode()))}
            return client.post(STRUCTURES, files=file).status_code

        assert list(pool.map(store, range(4))) == [201] * 4
