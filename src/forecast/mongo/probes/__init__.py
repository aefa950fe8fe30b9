"""Tests of the database: a scratch document, timed queries."""
