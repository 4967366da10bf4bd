"""Where a run is, in the words of its field: point 4 of 11, displacement 37 of 162, step 12 000 of 50 000 of NPT."""

from dataclasses import dataclass
from typing import Literal

#: The first three count their steps, the others themselves. The `of` of a relaxation is the most that it may take.
StageName = Literal["relaxation", "NVT", "NPT", "point", "displacement", "candidate", "site"]


@dataclass(frozen=True)
class Stage:
    """The part of the simulation that is under way; it has made, or makes, the `number`th of `of`."""

    name: StageName
    number: int
    of: int
    #: steps of the whole run that are still to be made, as far as one can tell; None: nobody can
    steps_left: float | None
