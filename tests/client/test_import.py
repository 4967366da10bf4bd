import subprocess
import sys

import pytest

HEAVY = ["torch", "numpy", "ase", "sqlalchemy", "rich", "httpx", "click", "mofsim.core"]


@pytest.mark.parametrize("module", HEAVY)
def test_importing_the_client_is_light(module: str) -> None:
    code = f"import mofsim.client, sys; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
