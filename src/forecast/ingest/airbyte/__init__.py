"""The same sources as Airbyte connectors: manifests, and their setup through Airbyte's public API."""
