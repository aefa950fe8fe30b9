"""Reads observations for those who use them: the same answers from the dataset and from MongoDB, flags first class."""

from forecast.reader.api import latest, parameters, read, stations
from forecast.reader.observations import Observations

__all__ = ["Observations", "latest", "parameters", "read", "stations"]
