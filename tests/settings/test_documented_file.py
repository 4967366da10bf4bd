"""The settings.toml of the repository is the reference of all settings."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
import tomli

from mofsim.settings import Settings, load_settings
from mofsim.settings.checks import tables
from mofsim.settings.tables import ModelSettings

ROOT = Path(__file__).parents[2]


def documented() -> str:
    return (ROOT / "settings.toml").read_text()


def with_examples() -> str:
    """settings.toml with what is commented out for users to take."""
    return re.sub(r"^# (?=\[models|\[alerts|\w+ = )", "", documented(), flags=re.MULTILINE)


def test_the_documented_file_holds_the_defaults(tmp_path: Path) -> None:
    defaults = {line.key: line.value for line in Settings().describe()}
    document = tomli.loads(documented())
    document.pop("profiles")
    (tmp_path / "settings.toml").write_text(documented().partition("[profiles.dev")[0])
    loaded = {line.key: line.value for line in load_settings(env={}, cwd=tmp_path).describe()}
    assert loaded == defaults
    assert set(document) == set(tables())


def test_the_documented_file_names_every_key() -> None:
    document = tomli.loads(with_examples())
    for name, table in tables().items():
        assert list(document[name]) == list(table.model_fields), name
    assert list(document["models"]["my-model"]) == list(ModelSettings.model_fields)


def test_every_documented_key_has_a_comment_above_it() -> None:
    lines = with_examples().partition("[profiles.dev")[0].splitlines()
    bare = [line for above, line in pairwise(lines) if " = " in line and above[:1] != "#"]
    assert [line for line in bare if not line.startswith("#")] == []


@pytest.mark.parametrize("profile", ["dev", "production"])
def test_the_documented_profiles_load(tmp_path: Path, profile: str) -> None:
    (tmp_path / "settings.toml").write_text(with_examples())
    assert load_settings(env={}, cwd=tmp_path, profile=profile).profile == profile
