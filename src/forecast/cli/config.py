"""`forecast config`: the settings in force."""

from __future__ import annotations

from forecast.cli.app import AsJson
from forecast.cli.output import print_result
from forecast.core.settings import Settings, settings_in_force


def config_command(settings: Settings, as_json: AsJson = False) -> int:
    """Show the settings in force and where each comes from.

    Settings that can contain a credential are not shown.

    Examples:

      forecast config

      forecast config --raw-uri raw --json
    """
    from forecast.report.plain_table import plain_table

    table = plain_table("variable", "value", "from")
    found = settings_in_force(settings)
    for item in found:
        table.add_row(item.setting.name, item.value or item.setting.unset, item.origin)
    result = {item.setting.name: {"value": item.value, "from": item.origin} for item in found}
    print_result(result, table, as_json=as_json)
    return 0
