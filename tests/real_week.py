"""The built-in stations, of which the real files of October 2024 are, and which the pages' examples name."""

from __future__ import annotations

from typing import Final

from tests.stations import station_in

ARMENTIERES: Final = station_in("Armentières")
BERGUES: Final = station_in("Bergues")
LESQUIN: Final = station_in("Lesquin")
HAZEBROUCK: Final = station_in("Hazebrouck")
ICHTEGEM: Final = station_in("Ichtegem")
LA_MADELEINE: Final = station_in("La Madeleine")
