"""Whether the set was ever initiated: an SSM parameter, `false` or `true`, that the members read when they start.

It distinguishes a first start from a total loss. In both cases all disks are empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BootstrapFlag:
    """The parameter of that name; `client` is boto3's client of SSM."""

    client: Any
    name: str

    def is_set(self) -> bool:
        """Whether the set was initiated once."""
        value: str = self.client.get_parameter(Name=self.name)["Parameter"]["Value"]
        return value == "true"

    def set(self) -> None:
        """From now on a member with an empty disk waits for a primary."""
        self.client.put_parameter(Name=self.name, Value="true", Type="String", Overwrite=True)
