"""The dashboard: a static site built from the reports and the database."""
