"""The networks' APIs on this machine, as they behave: quotas, refusals, late and corrected values, outages."""

from forecast_demo.apis.answers import Answer, FakeApis
from forecast_demo.apis.faults import Fault
from forecast_demo.apis.server import serve
from forecast_demo.apis.world import Correction, Outage, World

__all__ = ["Answer", "Correction", "FakeApis", "Fault", "Outage", "World", "serve"]
