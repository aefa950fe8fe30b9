"""Météo-France's observations: DPPaquetObs v2."""

from __future__ import annotations

from typing import Final

from forecast_demo.apis.fake import FakeNetwork
from forecast_demo.networks.meteofrance_obs.paquet import NETWORK, PATH, answer

FAKE: Final = FakeNetwork(NETWORK, answers={PATH: answer})
