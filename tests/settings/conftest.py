"""Settings read in an empty folder whose user has none of their own."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mofsim.settings import Settings, SettingsError, load_settings

Load = Callable[..., Settings]
Mistakes = Callable[..., list[str]]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load in an empty folder whose user has no settings of their own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))

    def load(toml: str = "", env: Mapping[str, str] | None = None, **more: object) -> Settings:
        if toml:
            (tmp_path / "settings.toml").write_text(toml)
        return load_settings(env=env or {}, cwd=tmp_path, **more)  # type: ignore[arg-type]

    return load


@pytest.fixture
def mistakes(load: Load) -> Mistakes:
    """The mistakes that loading tells."""

    def mistakes(*arguments: object, **more: object) -> list[str]:
        with pytest.raises(SettingsError) as caught:
            load(*arguments, **more)
        return str(caught.value).splitlines()

    return mistakes
