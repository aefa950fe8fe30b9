"""One run: from listing to reports."""
