"""The columns of measurements in the hourly files, in their order; each is followed by its quality code."""

from __future__ import annotations

from typing import Final

FILE_COLUMNS: Final = (
    *("RR1", "DRR1", "FF", "DD", "FXY", "DXY", "HXY", "FXI", "DXI", "HXI", "FF2", "DD2", "FXI2", "DXI2"),
    *("HXI2", "FXI3S", "DXI3S", "HFXI3S", "T", "TD", "TN", "HTN", "TX", "HTX", "DG", "T10", "T20", "T50"),
    *("T100", "TNSOL", "TN50", "TCHAUSSEE", "DHUMEC", "U", "UN", "HUN", "UX", "HUX", "DHUMI40", "DHUMI80"),
    *("TSV", "PMER", "PSTAT", "PMERMIN", "GEOP", "N", "NBAS", "CL", "CM", "CH", "N1", "C1", "B1", "N2"),
    *("C2", "B2", "N3", "C3", "B3", "N4", "C4", "B4", "VV", "DVV200", "WW", "W1", "W2", "SOL", "SOLNG"),
    *("TMER", "VVMER", "ETATMER", "DIRHOULE", "HVAGUE", "PVAGUE", "HNEIGEF", "NEIGETOT", "TSNEIGE", "TUBENEIGE"),
    *("HNEIGEFI3", "HNEIGEFI1", "ESNEIGE", "CHARGENEIGE", "GLO", "GLO2", "DIR", "DIR2", "DIF", "DIF2", "UV"),
    *(
        "UV2",
        "UV_INDICE",
        "INFRAR",
        "INFRAR2",
        "INS",
        "INS2",
        "TLAGON",
        "TVEGETAUX",
        "ECOULEMENT",
    ),
)
# Additional columns of DPClim.
DPCLIM_COLUMNS: Final = ("TW", "UABS", "ENTH", "HXI3S")
# The exceptions; otherwise, it is the value's name with a Q before it.
_QUALITY: Final = {"PMERMIN": "QPERMIN", "B2": "QCB2"}


def quality_of(name: str) -> str:
    """The column with the quality code of a column of values."""
    return _QUALITY.get(name, f"Q{name}")
