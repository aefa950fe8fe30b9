"""Converts the command line to the parameters of a command, as Typer does, but without pydantic.

Importing pydantic costs 0.1 s of CPU and 8 MB.

Typer uses it even for options that were not given, and to convert text to text.
"""

from __future__ import annotations

from typing import Any, Final

_TEXTS: Final = (str, list[str])


def convert_plainly(parameter: Any) -> None:
    """Let a parameter use pydantic only where it is needed: for numbers and paths."""
    if getattr(parameter, "type_descriptor", None) is None or parameter.callback is not None or parameter.required:
        return
    by_pydantic = parameter.process_value
    annotation, parser = parameter.type_descriptor.annotation, parameter.type_descriptor.parameter_info.parser
    several = parameter.multiple or parameter.nargs == -1

    def process_value(ctx: Any, value: Any) -> Any:
        if value is None:
            return () if several else None
        if parser is not None and not several:
            return parser(value)
        if parser is None and annotation in _TEXTS:
            return list(value) if several else value
        return by_pydantic(ctx, value)

    parameter.process_value = process_value


def with_plain_flags(parameters: list[Any]) -> list[Any]:
    """The same parameters, with False for flags that were not given, without pydantic."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False) and parameter.default is None:
            parameter.default = False
    return parameters
