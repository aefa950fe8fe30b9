"""Compares the units that a document gives for its fields with those that its network declares."""

from __future__ import annotations

from forecast.core.errors import ObjectRejectedError
from forecast.core.parameters import Quantity
from forecast.transform.declared import BY_NAME, DeclaredLayout
from forecast.transform.raw_columns import normalise_field
from forecast.transform.values.columns import shorten
from forecast.transform.values.units import find_unit


def check_units(layout: DeclaredLayout, metadata: object) -> None:
    """Compare the units that a document states ({"vent_moyen": "mean wind speed,km/h"}) with the declared ones.

    Raises ObjectRejectedError that names each difference. Unknown fields, and fields without a unit, are ignored.
    """
    changed = []
    for name, text in metadata.items() if isinstance(metadata, dict) else ():
        field = layout.fields.get(normalise_field(name))
        if field is None or field.unit is None or not isinstance(text, str) or "," not in text:
            continue
        quantity = BY_NAME[field.parameter].quantity
        if quantity is Quantity.CODE:
            continue  # for present weather, the address of its code table is in place of a unit
        named = text.rpartition(",")[2].strip()
        if find_unit(quantity, named) != find_unit(quantity, field.unit):
            changed.append(f"{name} in '{shorten(named)}' instead of {field.unit!r}")
    if changed:
        name = layout.network.name
        raise ObjectRejectedError(
            "changed_unit",
            f"the document's metadata gives units that differ from those of {name}: {', '.join(changed)}",
        )
