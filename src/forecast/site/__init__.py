"""The dashboard: a static site of what the reports and the database say."""
