"""Reads a declarative manifest with airbyte-cdk, in the CDK's own environment, which is not the project's.

    python read_manifest.py MANIFEST CONFIG STATE

prints its records, one JSON object a line on stdout, and keeps the state of the sync in STATE for the next one.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

from airbyte_cdk.models import (
    AirbyteStateMessageSerializer,
    ConfiguredAirbyteCatalog,
    ConfiguredAirbyteStream,
    DestinationSyncMode,
    SyncMode,
    Type,
)
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource


def read(manifest: Any, config: Any, state_file: Path) -> None:
    logger = logging.getLogger("airbyte")
    kept = json.loads(state_file.read_text()) if state_file.exists() else []
    state = [AirbyteStateMessageSerializer.load(entry) for entry in kept]
    source = ConcurrentDeclarativeSource(source_config=manifest, config=config, catalog=None, state=state)
    streams = source.discover(logger, config).streams
    catalog = ConfiguredAirbyteCatalog(
        streams=[
            ConfiguredAirbyteStream(
                stream=stream, sync_mode=SyncMode.incremental, destination_sync_mode=DestinationSyncMode.append
            )
            for stream in streams
        ]
    )
    source = ConcurrentDeclarativeSource(source_config=manifest, config=config, catalog=catalog, state=state)
    for message in source.read(logger, config, catalog, state):
        if message.type == Type.RECORD:
            print(json.dumps({"record": message.record.data}))
        elif message.type == Type.STATE:
            kept = [AirbyteStateMessageSerializer.dump(message.state)]
    state_file.write_text(json.dumps(kept))


if __name__ == "__main__":
    manifest_file, config_file, state = map(Path, sys.argv[1:])
    read(json.loads(manifest_file.read_text()), json.loads(config_file.read_text()), state)
