"""settings.toml, profiles and environment, as one typed and frozen `Settings`."""

from mofsim.settings.load import SettingsError, load_settings
from mofsim.settings.model import SettingLine, Settings
from mofsim.settings.tables import ModelSettings

__all__ = ["ModelSettings", "SettingLine", "Settings", "SettingsError", "load_settings"]
