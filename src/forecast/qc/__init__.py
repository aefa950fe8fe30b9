"""Quality control: flags, checks and what they need to know. Pure: no I/O."""
