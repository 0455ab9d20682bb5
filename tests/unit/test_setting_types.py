"""The typed values of settings have every setting of the table, with the type of its default."""

from typing import get_type_hints

from pydantic import TypeAdapter

from jobctl.wiring.setting_table import DEFAULTS, SETTINGS, SettingValues


def test_every_setting_has_a_type_that_its_default_fits():
    hints = get_type_hints(SettingValues)
    assert hints.keys() == SETTINGS.keys()
    for name, default in DEFAULTS.items():
        assert TypeAdapter(hints[name]).validate_python(default, strict=True) == default
