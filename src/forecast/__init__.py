"""Weather-station observations, from raw objects to a database that forecasters can trust."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("forecast")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0"
