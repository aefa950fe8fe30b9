"""The networks' APIs, simulated on this machine: quotas, refusals, late and corrected values, outages."""

from forecast_demo.apis.answer import Answer
from forecast_demo.apis.answers import GOOD_KEY, FakeApis
from forecast_demo.apis.faults import Fault
from forecast_demo.apis.server import serve
from forecast_demo.apis.world import Correction, Outage, World

__all__ = ["GOOD_KEY", "Answer", "Correction", "FakeApis", "Fault", "Outage", "World", "serve"]
