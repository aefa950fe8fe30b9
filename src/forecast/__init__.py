"""Weather-station observations, from raw objects to a database that forecasters can trust."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecast.reader import Observations, latest, parameters, read, stations

__version__: str
__all__ = ["Observations", "__version__", "latest", "parameters", "read", "stations"]


def __getattr__(name: str) -> Any:
    """Import the public names on first use, because the reader is slow to import."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name != "__version__":
        from forecast import reader  # noqa: PLC0415

        return getattr(reader, name)
    from pathlib import Path  # noqa: PLC0415

    from forecast.core.version import program_version  # noqa: PLC0415

    return program_version(Path(__file__).resolve().parents[2])
