"""The version of the shape of documents, reports and Parquet files; docs/versioning.md says when it is raised."""

from __future__ import annotations

from typing import Final

FORMAT_VERSION: Final = 2
# Its name in documents (`metadata.format_version`), in reports and in the key-value metadata of Parquet files.
FORMAT_KEY: Final = "format_version"
