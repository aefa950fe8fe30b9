"""RMI's automatic stations: the WFS."""

from __future__ import annotations

from typing import Final

from forecast_demo.apis.fake import FakeNetwork
from forecast_demo.networks.rmi_aws.wfs import NETWORK, PATH, answer

FAKE: Final = FakeNetwork(NETWORK, answers={PATH: answer})
