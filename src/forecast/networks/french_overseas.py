"""What the ids of Météo-France's stations say: the department, and overseas the time zone."""

from __future__ import annotations

from typing import Final

# 977 and 978 are Saint-Barthélemy and Saint-Martin; in 987, the Marquesas and Gambier have their own time zones.
ZONES: Final = {
    "971": "America/Guadeloupe",
    "972": "America/Martinique",
    "973": "America/Cayenne",
    "974": "Indian/Reunion",
    "975": "America/Miquelon",
    "976": "Indian/Mayotte",
    "977": "America/St_Barthelemy",
    "978": "America/Marigot",
    "984": "Indian/Kerguelen",
    "986": "Pacific/Wallis",
    "987": "Pacific/Tahiti",
    "988": "Pacific/Noumea",
}
_OVERSEAS: Final = ("97", "98")


def department_of(station: str) -> str:
    """The department in a station's id: "59" of 59343001, "974" of 97418110, and 20 for all of Corsica."""
    return station[:3] if station.startswith(_OVERSEAS) else station[:2]
