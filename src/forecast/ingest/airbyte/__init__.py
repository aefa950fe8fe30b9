"""The same sources as Airbyte connectors: manifests, and what sets them up over Airbyte's public API."""
