"""What an earlier listing of the raw zone found processed: one document per zone, in `<collection>_listing`.

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
    """The keys from `first` to `last`, how many objects they were, and when the newest of them was changed.

    `checkpoints` are those between the two keys that say "processed for good". They may be more than the objects: that
    of an object which was removed from the raw zone stays.
    """

    first: str
    last: str
    objects: int
    newest: datetime
    checkpoints: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """When every key was listed the last time (UTC), and the ranges that are known, in the order of their keys."""

    full_at: datetime
    ranges: tuple[ListedRange, ...] = ()


@dataclass(frozen=True, slots=True)
class ListingState:
    """What is known of one raw zone next to a main collection."""

    collection: ObservationCollection
    place: str

    @classmethod
    def for_collection(cls, collection: ObservationCollection, place: str) -> ListingState:
        """That of a raw zone, `Store.place`."""
        return cls(sibling_collection(collection, SUFFIX), place)

    def read(self) -> Listing | None:
        """The last listing that was recorded; None if there is none."""
        with mongo_errors("reading what was listed"):
            found = self.collection.find_one({"_id": self.place})
        if found is None:
            return None
        return Listing(found["full_at"], tuple(ListedRange(**one) for one in found["ranges"]))

    def write(self, full_at: datetime, ranges: Sequence[ListedRange]) -> None:
        """Put a listing in place of the one before."""
        entry = {"full_at": full_at, "ranges": [asdict(one) for one in ranges]}
        with mongo_errors("recording what was listed"):
            self.collection.replace_one({"_id": self.place}, entry, upsert=True)
