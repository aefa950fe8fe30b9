"""The page of the networks says of each how its data are had, and what surprises who works with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from forecast.networks.model import Network
from forecast.networks.registry import NETWORKS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "networks.md").read_text("utf-8")


@pytest.mark.parametrize("network", list(NETWORKS), ids=lambda network: network.id_prefix or network.name)
def test_the_page_says_how_the_data_are_had_and_names_the_traps(network: Network) -> None:
    own = PAGE.partition(f"\n## {network.name}\n")[2].partition("\n## ")[0]
    assert f"- Access: {network.access}" in own
    assert network.traps
    assert all(f"  - {trap}" in own for trap in network.traps)
    assert (f'`forecast stations sync "{network.name}"`' in own) == (network.stations is not None)
    for source in network.sources:
        assert f"`forecast ingest --source {source.source}`" in own
        assert source.key_setting is None or f"the key {source.key_setting}" in own
        assert ("without a key" in network.access) == (source.key_setting is None)
