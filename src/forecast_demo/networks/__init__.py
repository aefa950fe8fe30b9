"""The simulated networks, one package each: the responses of a network's API, in its own formats."""
