"""Whether the set was ever initiated: an SSM parameter, `false` or `true`, which the members read when they start.

It distinguishes a first start from a total loss: in both cases, all disks are empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BootstrapFlag:
    """The parameter with this name; `client` is boto3's SSM client."""

    client: Any
    name: str

    def is_set(self) -> bool:
        """Whether the set has been initiated."""
        value: str = self.client.get_parameter(Name=self.name)["Parameter"]["Value"]
        return value == "true"

    def set(self) -> None:
        """Record that the set has been initiated: from now on, a member with an empty disk waits for a primary."""
        self.client.put_parameter(Name=self.name, Value="true", Type="String", Overwrite=True)
