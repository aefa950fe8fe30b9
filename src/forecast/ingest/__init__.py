"""From the networks' own APIs to the raw zone, as Airbyte would write it: calls, pace, state, objects."""
