"""Remembers what an earlier listing of the raw zone found processed: one document per zone, in `<collection>_listing`.

    {_id: "s3://bucket/raw/", full_at, ranges: [{first, last, objects, newest, checkpoints}]}

A range consists of consecutive keys of the listing, all of whose objects were processed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from forecast.mongo.client import ObservationCollection, mongo_errors, sibling_collection

SUFFIX: Final = "_listing"


@dataclass(frozen=True, slots=True)
class ListedRange:
    """The keys from `first` to `last`, the number of their objects, and when the newest of them was modified.

    `checkpoints` is the number of those between the two keys that are settled. It can exceed the number of objects,
    because the checkpoint of an object that was removed from the raw zone is kept.
    """

    first: str
    last: str
    objects: int
    newest: datetime
    checkpoints: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """When all keys were last listed (UTC), and the known ranges, in the order of their keys."""

    full_at: datetime
    ranges: tuple[ListedRange, ...] = ()


@dataclass(frozen=True, slots=True)
class ListingState:
    """The listing of one raw zone, next to a main collection."""

    collection: ObservationCollection
    place: str

    @classmethod
    def for_collection(cls, collection: ObservationCollection, place: str) -> ListingState:
        """The listing of the raw zone at `place` (`Store.place`)."""
        return cls(sibling_collection(collection, SUFFIX), place)

    def read(self) -> Listing | None:
        """The last listing that was recorded; None if there is none."""
        with mongo_errors("reading what was listed"):
            found = self.collection.find_one({"_id": self.place})
        if found is None:
            return None
        return Listing(found["full_at"], tuple(ListedRange(**one) for one in found["ranges"]))

    def write(self, full_at: datetime, ranges: Sequence[ListedRange]) -> None:
        """Store a listing, replacing the previous one."""
        entry = {"full_at": full_at, "ranges": [asdict(one) for one in ranges]}
        with mongo_errors("recording what was listed"):
            self.collection.replace_one({"_id": self.place}, entry, upsert=True)
