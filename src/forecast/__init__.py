"""Weather-station observations, from raw objects to a database that forecasters can trust."""

__version__: str


def __getattr__(name: str) -> str:
    """The version, looked for when it is wanted: what knows it is slow to import."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version("forecast")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0"
