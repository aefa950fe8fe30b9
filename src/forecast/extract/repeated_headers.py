"""Headers among the rows of a table, as in files that were put one after another."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.errors import ObjectRejectedError
from forecast.core.text import listed

# A header has a name in one of its first columns, even if its own first name is another one.
_LOOKED_AT: Final = 2
# No row of data has names of columns in so many cells; a header of another table shares fewer names with the first.
_SHARE: Final = 1 / 3


def without_headers(table: pa.Table, places: pa.Array) -> tuple[pa.Table, pa.Array]:
    """The rows and their places without those that only repeat the header.

    Raises ObjectRejectedError for a header with other columns: the rows below it would be read as something else.
    """
    # Of a table without a header, the first row is in its place: its numbers and times are not names.
    names = [name for name in table.column_names if name[:1].isalpha() or name.startswith("_")]
    known = pa.array(sorted(set(names)), pa.string())
    found = np.zeros(len(places), dtype=bool)
    texts = [column for column in table.columns if pa.types.is_string(column.type)]
    for column in texts[:_LOOKED_AT] if len(known) >= _LOOKED_AT else ():
        found |= np.asarray(pc.is_in(column, known))
    kept = ~found
    for index in np.flatnonzero(found).tolist():
        cells = [column[index].as_py() for column in table.columns]
        shared = len({cell for cell in cells if cell in names})
        if [cell or "" for cell in cells] == table.column_names:
            continue
        if shared >= max(_LOOKED_AT, _SHARE * len(names)):
            others = [str(cell) for cell, name in zip(cells, table.column_names, strict=True) if cell != name]
            raise ObjectRejectedError(
                "unknown_layout",
                f"{places[index]} is a second header, which has other columns in the same places ({listed(others)}): "
                "put each table into a file of its own",
            )
        kept[index] = True
    if kept.all():
        return table, places
    return table.filter(pa.array(kept)), places.filter(pa.array(kept))
