"""Converts the text of cells to values: numbers, units, wind directions in words, times."""
