"""Text of cells to values: numbers, units, words of wind, times."""
