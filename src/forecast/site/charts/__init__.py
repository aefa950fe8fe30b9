"""Charts as SVG; each takes numbers, and the words that stand in it."""
