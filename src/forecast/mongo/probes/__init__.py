"""What tries the database: a scratch document, timed queries."""
