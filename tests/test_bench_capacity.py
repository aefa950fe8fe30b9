"""The page on capacity has the tables that its script computes."""

from __future__ import annotations

from bench import capacity


def test_the_page_has_the_tables_as_they_are_now() -> None:
    text = capacity.PAGE.read_text("utf-8")
    assert capacity.page(text) == text


def test_what_a_network_needs_follows_from_its_stations() -> None:
    one = capacity.Network("", 1_000, 100, 10, 2, 8)
    assert one.documents_a_day == 100_000
    assert round(one.gib_a_year, 1) == 11.3
    assert round(one.run_cpu, 2) == round(1.9 + 1_000 * 0.0088 + 10_000 * 0.000104, 2)
    assert round(one.copy_hours, 2) == 0.9
    assert round(sum(one.costs.values())) == round(147.7 + 3 * 730 * (2 * 0.0486 + 8 * 0.0053) + 13.9 + 1.2 + 0.3)


def test_what_does_not_depend_on_size_is_what_the_page_of_costs_says() -> None:
    table, _, _ = (capacity.PAGE.parent / "cost.md").read_text("utf-8").partition("## Unit prices")
    rows = [line.split(" | ") for line in table.splitlines()]
    prod = {row[0].removeprefix("| "): row[2] for row in rows if len(row) == 4}
    others = ("three members", "three gp3", "snapshots", "tasks", "**total", "USD per month")
    fixed = [float(figure) for name, figure in prod.items() if not name.startswith(others)]
    assert round(sum(fixed), 1) == round(capacity.BESIDE, 1)
