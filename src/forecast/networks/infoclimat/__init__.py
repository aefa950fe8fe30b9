"""InfoClimat."""
