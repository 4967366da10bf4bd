"""The task types: a new one is a file beside this one, and a line here."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from .bulk_modulus import BulkModulus
from .heat_capacity import HeatCapacityTask
from .interaction_energy import InteractionEnergy
from .relax import Optimization
from .run import Run, Task
from .single_point import SinglePoint
from .stability import Stability
from .validate import Validation

TASK_TYPES: Mapping[str, Callable[[Run], Task]] = MappingProxyType(
    {
        "bulk-modulus": BulkModulus,
        "heat-capacity": HeatCapacityTask,
        "interaction-energy": InteractionEnergy,
        "optimization": Optimization,
        "single-point": SinglePoint,
        "stability": Stability,
        "validation": Validation,
    }
)
