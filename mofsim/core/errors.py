"""What the core refuses, and why.

MofsimError
 ├─ NotFound      there is no such thing
 ├─ Invalid       the request can not work; `field` says where
 ├─ Conflict      the thing is in a state that does not allow it
 ├─ Unavailable   not now: try again later
 └─ NoRoom        the disk of the data folder is full
"""


class MofsimError(Exception):
    """Its text is for a person: what is wrong and what to do about it."""

    def __init__(self, detail: str, *, field: str | None = None, type: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.type = type or self.__class__.__name__


class NotFound(MofsimError):
    pass


class Invalid(MofsimError):
    pass


class Conflict(MofsimError):
    pass


class Unavailable(MofsimError):
    pass


class NoRoom(MofsimError):
    pass
