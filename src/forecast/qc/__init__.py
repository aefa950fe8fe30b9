"""Quality control: checks, their thresholds, and flags. Pure functions, no I/O."""
