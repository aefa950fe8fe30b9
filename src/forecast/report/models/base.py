"""The base of all report models: structs with documented fields, and common types.

The JSON Schemas in `report/schemas/` and the tables of docs/reports.md are generated from these models (`make docs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct

# In docs/reports.md, the name of a mapping's keys.
_KEY_NAME = "key_name"


def doc(text: str) -> Meta:
    """The documentation of a field."""
    return Meta(description=text)


def key_name(meta: Mapping[str, Any] | None) -> str:
    """The documentation's name for the keys of a mapping."""
    return str((meta or {}).get(_KEY_NAME, "name"))


class Model(Struct):
    """A part of a report. `schema_rules` are rules of its JSON Schema that types cannot state.

    Written reports have exactly these fields. Readers ignore others, and a field that is added within a format
    version has a default, so that reports of newer and older versions of the program can be read.
    """

    schema_rules: ClassVar[Mapping[str, Any]] = {}


class Report(Model):
    """A whole report. `kind` names its schema, and its files."""

    kind: ClassVar[str]

    format_version: Annotated[Literal[2], doc("version of the report's shape")]


Count = Annotated[int, Meta(ge=0)]
Rate = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(ge=0)]
Name = Annotated[str, Meta(min_length=1)]
Time = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$")]
StationId = Annotated[str, Meta(extra={_KEY_NAME: "station"})]
ParameterName = Annotated[str, Meta(extra={_KEY_NAME: "parameter"})]
CheckId = Annotated[str, Meta(extra={_KEY_NAME: "check"})]
Code = Annotated[str, Meta(extra={_KEY_NAME: "code"})]
Uri = Annotated[str, Meta(extra={_KEY_NAME: "uri"})]


class ValuesRemoved(Model):
    """Stored measured values that were replaced by records which lack them."""

    total: Annotated[Count, doc("stored values that were replaced by records which lack them")]
    by_parameter: Annotated[dict[ParameterName, Count], doc("the same by parameter")]
    by_station: Annotated[dict[StationId, Count], doc("the same by station")]
    by_object: Annotated[
        dict[Uri, Count],
        doc(
            "the same by raw object: the one whose record took their place. "
            "What loses within one batch was never stored"
        ),
    ]
