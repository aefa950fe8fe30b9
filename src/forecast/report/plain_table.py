"""Tables without lines, for a terminal, a log or a mail."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

# Nothing wraps a file, a pipe or a mail: the tables of a run are made for at most this many columns.
MAX_WIDTH = 100
_UNLIMITED = 10_000


def plain_table(*names: str, right: Collection[int] = ()) -> Table:
    """A table whose columns at the places of `right` are aligned to the right; long cells are folded, never cut."""
    table = Table(box=None, pad_edge=False, show_header=any(names), header_style="")
    for index, name in enumerate(names):
        table.add_column(name, justify="right" if index in right else "left", overflow="fold")
    return table


class ColumnsThatFit:
    """A table that leaves out columns where a terminal is too narrow for them: folded cells are hard to read."""

    def __init__(self, names: Sequence[str], *, right: Collection[str], left_out_first: Sequence[str]) -> None:
        self._names = names
        self._right = right
        self._left_out_first = left_out_first
        self._rows: list[dict[str, str | Text]] = []

    def add_row(self, *cells: str | Text) -> None:
        """A row, with a cell for each name."""
        self._rows.append(dict(zip(self._names, cells, strict=True)))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        for left_out in range(len(self._left_out_first) + 1):
            table = self._without(self._left_out_first[:left_out])
            if console.measure(table, options=options.update_width(_UNLIMITED)).maximum <= options.max_width:
                break
        yield table

    def _without(self, left_out: Sequence[str]) -> Table:
        names = [name for name in self._names if name not in left_out]
        right = tuple(place for place, name in enumerate(names) if name in self._right)
        table = plain_table(*names, right=right)
        for row in self._rows:
            table.add_row(*(row[name] for name in names))
        return table
