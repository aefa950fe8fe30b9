"""From the networks' APIs to the raw zone, in Airbyte's layout: calls, rate limits, state, objects."""
