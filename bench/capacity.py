"""Writes the tables of docs/capacity.md: what networks of stations need and cost, measured and at assumed prices.

python -m bench.capacity
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).parents[1] / "docs" / "capacity.md"

# Measured: docs/benchmark.md, "Growth with history". A document with its share of four indexes, compressed.
DOCUMENT_BYTES: Final = 201 + 130
# CPU seconds of a run, of the program and of the server: of any, of each station that has new values, of each document.
RUN_CPU: Final = 1.9
STATION_CPU: Final = 0.0088
DOCUMENT_CPU: Final = 104e-6
# Ready-made documents that a member with the four indexes takes in a second: 5 million of them, on a busy machine.
COPIED_A_SECOND: Final = 11_300
# What the oplog holds: a new member that copies for longer has to start over.
OPLOG_HOURS: Final = 24

# Assumed: the prices of docs/cost.md, in USD.
VCPU_HOUR, GIB_HOUR, GIB_MONTH, SNAPSHOT_MONTH = 0.0486, 0.0053, 0.0928, 0.053
MONTH_HOURS: Final = 730
# The items of prod that do not depend on how much there is: traffic, alarms, secrets, logs, dumps, DNS, buckets.
BESIDE: Final = 120.6 + 17.5 + 5.0 + 2.4 + 0.8 + 0.8 + 0.7
_MEMBERS: Final = 3
_DAYS: Final = 365


@dataclass(frozen=True)
class Network:
    """So many stations with so many observations a day each, loaded in so many runs a day by members of this size."""

    name: str
    stations: int
    observations: int
    runs: int
    member_vcpu: int
    member_gib: int

    @property
    def documents_a_day(self) -> int:
        """Documents that are new every day."""
        return self.stations * self.observations

    @property
    def gib_a_year(self) -> float:
        """What a year's documents take on each member."""
        return self.documents_a_day * _DAYS * DOCUMENT_BYTES / 2**30

    @property
    def run_cpu(self) -> float:
        """CPU seconds of a run, of the program and of the server."""
        return RUN_CPU + self.stations * STATION_CPU + self.documents_a_day / self.runs * DOCUMENT_CPU

    @property
    def copy_hours(self) -> float:
        """How long a new member copies what a year brings."""
        return self.documents_a_day * _DAYS / COPIED_A_SECOND / 3600

    @property
    def years_of_a_set(self) -> float:
        """After so many years, a new member copies for longer than the oplog lasts."""
        return OPLOG_HOURS / self.copy_hours

    @property
    def costs(self) -> dict[str, float]:
        """USD a month, when a year is stored: volumes of twice its size, tasks of 2 vCPU and 4 GiB for the runs."""
        volume = max(50.0, 2 * self.gib_a_year)
        hours = self.runs * self.run_cpu / 3600 * MONTH_HOURS / 24
        return {
            "members": _MEMBERS * MONTH_HOURS * (self.member_vcpu * VCPU_HOUR + self.member_gib * GIB_HOUR),
            "volumes": _MEMBERS * volume * GIB_MONTH,
            "snapshots": 2 * self.gib_a_year * SNAPSHOT_MONTH,
            "runs": hours * (2 * VCPU_HOUR + 4 * GIB_HOUR),
            "the rest, as in prod": BESIDE,
        }


NETWORKS: Final = (
    Network("six stations, every 5 minutes", 6, 288, 1, 2, 4),
    Network("a country: 2 000 stations, hourly", 2_000, 24, 24, 2, 8),
    Network("the same, every 6 minutes", 2_000, 240, 24, 2, 16),
    Network("a continent: 10 000 stations, every 10 minutes", 10_000, 144, 24, 4, 30),
)


def needs() -> list[str]:
    """The table of what networks need, as lines."""
    names = (
        "| documents per day | GiB per year and member | CPU of a run | CPU of a day | a new member copies a year in "
    )
    lines = [f"| {names}| which is the oplog after |", "|---" * 7 + "|"]
    for one in NETWORKS:
        documents, day = f"{one.documents_a_day:,}".replace(",", " "), one.run_cpu * one.runs / 60
        lines.append(
            f"| {one.name} | {documents} | {one.gib_a_year:.1f} | {one.run_cpu:.0f} s | {day:.0f} min "
            f"| {one.copy_hours:.1f} h | {one.years_of_a_set:.0f} years |"
        )
    return lines


def costs() -> list[str]:
    """The table of what they cost, as lines."""
    names = list(NETWORKS[0].costs)
    lines = [f"| USD per month | member | {' | '.join(names)} | **total** |", "|---" * (len(names) + 3) + "|"]
    for one in NETWORKS[1:]:
        sums = [f"{one.costs[name]:.0f}" for name in names]
        member = f"{one.member_vcpu} vCPU and {one.member_gib} GiB"
        lines.append(f"| {one.name} | {member} | {' | '.join(sums)} | **about {sum(one.costs.values()):.0f}** |")
    return lines


def page(text: str) -> str:
    """The page with both tables as they are now."""
    for name, lines in (("needs", needs()), ("costs", costs())):
        begin, end = f"<!-- {name}: made by python -m bench.capacity -->\n", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        text = before + begin + "\n".join(lines) + "\n" + end + rest.partition(end)[2]
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
