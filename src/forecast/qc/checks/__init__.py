"""The quality checks: pure functions, arrays in, QARTOD flags out; one module a family. They change no value."""
