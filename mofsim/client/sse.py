"""Server-sent events, read piece by piece as they come from the line."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

#: A \r at the end of a piece may be half of \r\n: it is kept until the next one is there.
_LINE_END = re.compile(r"\r\n|\n|\r(?=[^\n])")


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `id` is the last one the stream gave, with this message or before it."""

    event: str
    data: str
    id: str | None


class SseParser:
    """Feed it bytes, cut anywhere; comments (pings) and messages without data give nothing."""

    def __init__(self) -> None:
        self._text = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest = ""
        self._event = ""
        self._data: list[str] = []
        self._id: str | None = None

    def feed(self, piece: bytes) -> Iterator[Message]:
        *lines, self._rest = _LINE_END.split(self._rest + self._text.decode(piece))
        for line in lines:
            if line:
                self._take(line)
            else:
                yield from self._message()

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "data":
                self._data.append(value)
            case "event":
                self._event = value
            case "id" if "\0" not in value:
                self._id = value

    def _message(self) -> Iterator[Message]:
        if self._data:
            yield Message(self._event or "message", "\n".join(self._data), self._id)
        self._event = ""
        self._data = []
