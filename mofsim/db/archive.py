"""The form of a backup: one folder, or one .tar, with the same files in it under the same names."""

import os
import shutil
import tarfile
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Protocol


class BackupDamaged(Exception):
    """This is no whole backup: take another one."""


class Writer(Protocol):
    def add(self, source: Path, name: str, *, lasting: bool = False) -> None:
        """Take in a file; `lasting` is one that nobody will write to. Raises FileNotFoundError."""

    def close(self) -> None: ...


class Reader(Protocol):
    def size(self, name: str) -> int | None:
        """Bytes of a file; None when there is no such file."""

    def extract(self, name: str, target: Path) -> None:
        """Write a file to `target`. Raises BackupDamaged when there is no such file."""

    def close(self) -> None: ...


class FolderWriter:
    """With `links`, lasting files that lie on the same disk are shared with it instead of copied."""

    def __init__(self, folder: Path, links: bool) -> None:
        self._folder = folder
        self._links = links

    def add(self, source: Path, name: str, *, lasting: bool = False) -> None:
        target = self._folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if self._links and lasting:
            # Another disk, or one that knows no hard links: then a copy.
            with suppress(OSError):
                os.link(source.resolve(strict=True), target)
                return
        shutil.copy2(source, target)

    def close(self) -> None:
        os.sync()


class TarWriter:
    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._tar = tarfile.open(fileobj=self._file, mode="w", dereference=True)  # noqa: SIM115

    def add(self, source: Path, name: str, *, lasting: bool = False) -> None:
        self._tar.add(source, name, recursive=False)

    def close(self) -> None:
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


class FolderReader:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def size(self, name: str) -> int | None:
        path = self._folder / name
        return path.stat().st_size if path.is_file() else None

    def extract(self, name: str, target: Path) -> None:
        if self.size(name) is None:
            raise BackupDamaged(f"{self._folder} has no {name}. {BackupDamaged.__doc__}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(self._folder / name, target)

    def close(self) -> None:
        pass


class TarReader:
    """Reads the plain files of a .tar; where links or device files in it point to does not matter."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._tar = tarfile.open(path, "r:")  # noqa: SIM115
            self._members = {member.name: member for member in self._tar if member.isfile()}
        except tarfile.TarError as error:
            raise BackupDamaged(f"{path} can not be read ({error}). {BackupDamaged.__doc__}") from None

    def size(self, name: str) -> int | None:
        member = self._members.get(name)
        return member.size if member else None

    def extract(self, name: str, target: Path) -> None:
        member = self._members.get(name)
        source = self._tar.extractfile(member) if member else None
        if source is None or member is None:
            raise BackupDamaged(f"{self._path} has no {name}. {BackupDamaged.__doc__}")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with source, target.open("wb") as file:
                shutil.copyfileobj(source, file)
        except tarfile.TarError as error:
            raise BackupDamaged(f"{self._path} ends within {name} ({error}). {BackupDamaged.__doc__}") from None
        os.utime(target, (member.mtime, member.mtime))

    def close(self) -> None:
        self._tar.close()


def open_reader(source: Path) -> Reader:
    """Raises BackupDamaged for what is neither a folder nor a .tar."""
    if source.is_dir():
        return FolderReader(source)
    if source.is_file():
        return TarReader(source)
    raise BackupDamaged(f"there is no {source}; name the folder or .tar that a backup wrote")


def is_plain(name: str) -> bool:
    """Whether a name that a database gives stays below the folder that it is put into."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name and "\0" not in name
