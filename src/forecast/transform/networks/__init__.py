"""The layouts of the networks."""
