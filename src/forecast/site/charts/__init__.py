"""Charts as SVG; each takes numbers, and the words that are in it."""
