"""Weather Underground."""
