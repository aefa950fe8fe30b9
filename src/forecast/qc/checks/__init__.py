"""The quality checks: pure functions, arrays in, QARTOD flags out; one module a check. They change no value."""
