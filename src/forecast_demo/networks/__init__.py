"""The made-up networks, a package each: what a network's API answers, in the network's own formats."""
