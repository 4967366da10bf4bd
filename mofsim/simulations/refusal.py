"""Why a structure is not taken."""


class Refusal(Exception):
    """`kind` is a stable word for programs, `detail` a sentence for the person: what is wrong, what to do."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
