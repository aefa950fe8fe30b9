"""The quality checks, one module each: pure functions from arrays to QARTOD flags. They change no value."""
