"""Files of tasks on their way between the server and a worker that does not share its data folder."""

from pydantic import Field

from mofsim.schemas.base import Request, Response

#: Behind `sha256 ` in the header Upload-Checksum, and in the bodies here.
SHA256 = r"^[0-9a-f]{64}$"


class Room(Response):
    """Whether files are taken now."""

    has_room: bool = Field(description="False: the disk is full, and what is sent is refused with 507", examples=[True])
    free_MB: float = Field(description="Left on the disk of the data folder", examples=[52000.0])
    max_file_MB: int = Field(description="Larger files are refused (storage.max_result_MB)", examples=[10000])
    max_piece_bytes: int = Field(description="Larger pieces are refused", examples=[8000000])


class Arrived(Response):
    """How much of a file is here."""

    name: str = Field(examples=["trajectory.extxyz"])
    offset: int = Field(description="Bytes that are here; the next piece goes behind them", examples=[4194304])
    is_whole: bool = Field(description="It was published; of a file that grows that is not known", examples=[False])


class Whole(Request):
    """A file of which all bytes were sent."""

    size: int = Field(ge=0, lt=2**63, description="In bytes", examples=[4194304])
    sha256: str = Field(
        pattern=SHA256,
        description="Of all of it",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )


class EarlierFile(Response):
    """What an earlier attempt left, so that the next one goes on from there."""

    attempt: int = Field(examples=[1])
    name: str = Field(examples=["000001-000000100.checkpoint"])
    size_bytes: int = Field(examples=[20480])
