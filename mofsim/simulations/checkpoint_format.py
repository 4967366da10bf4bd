"""A checkpoint as bytes: JSON with arrays in it, and a checksum over all of it. No pickle, so reading runs no code."""

import hashlib
import io
import json
from typing import Any

import numpy as np

#: The number goes up when an older program could no longer read what this one writes.
_MAGIC = b"mofsim checkpoint 1\n"
_DIGEST_LENGTH = 64
_ARRAY = "$array"


class Unusable(Exception):
    """Why nothing can be resumed from a checkpoint, for a person."""


def encode(document: dict[str, Any]) -> bytes:
    """`document` is what JSON can hold, with NumPy arrays at any place. Every float keeps every bit."""
    arrays: dict[str, np.ndarray] = {}

    def put_aside(value: Any) -> Any:
        if isinstance(value, np.generic):
            return value.item()
        if not isinstance(value, np.ndarray) or value.dtype.hasobject:
            raise TypeError(f"a checkpoint cannot hold {type(value).__name__}")
        name = f"array{len(arrays)}"
        arrays[name] = value
        return {_ARRAY: name}

    text = json.dumps(document, default=put_aside).encode()
    buffer = io.BytesIO()
    np.savez(buffer, document=np.frombuffer(text, np.uint8), **arrays)  # type: ignore[arg-type]
    body = buffer.getvalue()
    return _MAGIC + _digest(body) + b"\n" + body


def decode(content: bytes) -> dict[str, Any]:
    """What `encode` was given; raises Unusable."""
    if not content.startswith(_MAGIC):
        raise Unusable("it is no checkpoint, or one of another version of mofsim")
    body_at = len(_MAGIC) + _DIGEST_LENGTH + 1
    body = content[body_at:]
    if content[len(_MAGIC) : body_at] != _digest(body) + b"\n":
        raise Unusable("it is torn or damaged (its checksum does not hold)")
    with np.load(io.BytesIO(body), allow_pickle=False) as members:
        arrays = {name: members[name] for name in members.files}

    def put_back(value: dict[str, Any]) -> Any:
        return arrays[value[_ARRAY]] if _ARRAY in value else value

    document: dict[str, Any] = json.loads(arrays.pop("document").tobytes(), object_hook=put_back)
    return document


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()
