"""The time zones of the French territories overseas, by the first digits of their stations' numbers."""

from __future__ import annotations

from typing import Final

# 977 and 978 are Saint-Barthélemy and Saint-Martin; of 987 the Marquesas and Gambier have other clocks.
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
