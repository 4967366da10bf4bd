"""Models and frameworks of installed packages."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mofsim.settings import Settings
from mofsim.settings.plugins import FRAMEWORKS

Load = Callable[..., Settings]
Mistakes = Callable[..., list[str]]

Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """A package with one module and entry points, as pip would leave it."""

    def install(module: str, entry_points: str) -> None:
        folder = tmp_path / "site"
        about = folder / "toy_potential-1.2.dist-info"
        about.mkdir(parents=True)
        (folder / f"toy_{tmp_path.name}.py").write_text(module)
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-potential\nVersion: 1.2\n")
        (about / "entry_points.txt").write_text(entry_points.replace("MODULE", f"toy_{tmp_path.name}"))
        monkeypatch.syspath_prepend(folder)

    return install


def test_the_frameworks_of_the_settings_are_those_that_an_executor_builds() -> None:
    adapters = pytest.importorskip("mofsim.simulations.adapters")
    assert set(FRAMEWORKS) == set(adapters.BUILDERS)


def test_an_installed_package_brings_models_and_a_framework(load: Load, install: Install, tmp_path: Path) -> None:
    install(
        "MODEL = {'framework': 'toy', 'checkpoint': 'toy/weights.pth', 'licence': 'MIT'}",
        "[mofsim.models]\ntoy-1 = MODULE:MODEL\n[mofsim.calculators]\ntoy = MODULE:build\n",
    )
    settings = load("[models.toy-1]\nlicence = 'CC0'")
    model = settings.models["toy-1"]
    assert (model.framework, model.licence) == ("toy", "CC0"), "the settings file should win"
    assert model.checkpoint == str(tmp_path / "site" / "toy" / "weights.pth")
    sources = {line.key: line.source for line in settings.describe()}
    assert sources["models.toy-1.framework"] == "package toy-potential"


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("MODEL = {'checkpoint': '/m', 'frameworks': 'ase'}", "there is no such setting; did you mean"),
        ("MODEL = ['ase']", "is not a table"),
        ("import no_such_module", "can not be imported (No module named 'no_such_module')"),
    ],
)
def test_a_model_that_is_none_names_its_package(mistakes: Mistakes, install: Install, module: str, said: str) -> None:
    install(module, "[mofsim.models]\ntoy-1 = MODULE:MODEL\n")
    [mistake] = mistakes()
    assert mistake.startswith("package toy-potential: models.toy-1") and said in mistake


def test_a_framework_that_only_another_interpreter_knows_is_left_to_it(load: Load) -> None:
    text = "[models.far]\ncheckpoint = '/m'\nframework = 'far'\npython = '/opt/far/bin/python'"
    assert load(text).models["far"].framework == "far"
