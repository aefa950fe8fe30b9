"""Which raw objects were processed, by which version, into which processed zone, and with which results.

They are stored in the database next to the documents that they describe, so that a new database has none, and are only
written after the load was acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from pymongo import ASCENDING, IndexModel, UpdateOne

from forecast.core.counts import COUNTED, ObjectCounts
from forecast.core.errors import ObjectRejectedError
from forecast.core.raw_objects import RawObject
from forecast.core.text import escaped
from forecast.mongo.client import ObservationCollection, mongo_errors, sibling_collection

SUFFIX = "_objects"
# The code of an object that an unforeseen exception was raised on.
INTERNAL_ERROR = "internal_error"
INDEXES: Final = (
    # An object's files are found among those of all others.
    IndexModel([("in_zone.key", ASCENDING)], name="in_zone", sparse=True),
    # Every run counts the settled objects of the ranges that it does not list, from the index alone.
    IndexModel([(name, ASCENDING) for name in ("settled", "zone", "rules_version", "_id")], name="settled"),
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What came of an object: files of the processed zone (digest by key), and the numbers of ObjectCounts."""

    files: Mapping[str, str]
    counts: Mapping[str, Any]


class Begun(NamedTuple):
    """What was known of an object when its load began.

    `left_by`: the run that began another load of it and did not end it; what that one wrote is in the database and
    looks as if nothing had to be done about it. `outdated`: the files of the zone that are the object's, and of its new
    version are not.
    """

    left_by: str | None
    outdated: list[str]


@dataclass(frozen=True, slots=True)
class Loaded:
    """An object whose load has come to its end.

    `files` are its own in the zone (digest by key), and `kept` those of an earlier version that stay there. `again_at`
    is when rows that were refused may pass.
    """

    raw: RawObject
    files: Mapping[str, str]
    counts: ObjectCounts
    again_at: datetime | None
    kept: Sequence[str] = ()


class Processed(NamedTuple):
    """The version of an object that was processed, and whether for good: no row of it may pass at a later time."""

    etag: str
    settled: bool


@dataclass(frozen=True, slots=True)
class Rejection:
    """A version of an object that was rejected, why, and by which run first."""

    etag: str
    code: str
    message: str
    run_id: str


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Checkpoints of one main collection, in `<collection>_objects`, for one processed zone.

    `program` as `program_digest` gives it, `zone` as `Store.place`. An entry's `in_zone` lists the files that may be
    the object's, in whatever version, by zone and key. `settled` says that the object is processed for good.
    """

    collection: ObservationCollection
    rules_version: int
    program: str
    zone: str

    @classmethod
    def for_collection(
        cls, collection: ObservationCollection, rules_version: int, program: str, zone: str
    ) -> Checkpoints:
        """The checkpoints that belong to a main collection."""
        return cls(sibling_collection(collection, SUFFIX), rules_version, program, zone)

    def prepare(self) -> None:
        """Make the indexes."""
        with mongo_errors("making the indexes of the checkpoints"):
            self.collection.create_indexes(list(INDEXES))

    def processed(self, now: datetime, names: list[str], *, without_records: bool = False) -> dict[str, Processed]:
        """By `name_of` of those of these objects that were processed under these rules, with files in this zone.

        Not those whose load was begun again, and has not come to its end; nor those with rows that were refused for the
        time being and may pass `now` (UTC). `without_records`: only those that gave none.
        """
        vouched = {
            "_id": {"$in": names},
            "rules_version": self.rules_version,
            "zone": self.zone,
            "loading": None,
            "again_at": _not_yet(now),
            **({"counts.records_validated": 0} if without_records else {}),
        }
        with mongo_errors("reading the checkpoints"):
            found = self.collection.find(vouched, {"etag": 1, "settled": 1})
            return {entry["_id"]: Processed(entry["etag"], entry.get("settled", False)) for entry in found}

    def settled(self, uris: Mapping[str, str]) -> int:
        """How many objects are processed for good of those whose URIs a filter matches."""
        within = {"settled": True, "rules_version": self.rules_version, "zone": self.zone, "_id": uris}
        with mongo_errors("counting checkpoints"):
            return self.collection.count_documents(within)

    def rejected(self, now: datetime, circumstances: str, names: list[str]) -> dict[str, Rejection]:
        """By `name_of` those of these that were rejected, and would be again: nothing that they depend on has changed.

        `circumstances` (`circumstances_digest`) are what a person changes to have an object read after all.
        What failed by an internal error has another chance with another program.
        """
        same = {
            "_id": {"$in": names},
            "rejected.rules_version": self.rules_version,
            "rejected.circumstances": circumstances,
            "rejected.again_at": _not_yet(now),
            "$or": [{"rejected.code": {"$ne": INTERNAL_ERROR}}, {"rejected.program": self.program}],
        }
        with mongo_errors("reading the checkpoints"):
            found = {entry["_id"]: entry["rejected"] for entry in self.collection.find(same, {"rejected": 1})}
        return {
            name: Rejection(entry["etag"], entry["code"], entry["message"], entry["run_id"])
            for name, entry in found.items()
        }

    def reject(self, raw: RawObject, run_id: str, error: ObjectRejectedError, circumstances: str) -> None:
        """Remember that this version of an object was rejected; what an earlier one gave is still vouched for."""
        entry = {
            "etag": raw.etag,
            "rules_version": self.rules_version,
            "circumstances": circumstances,
            "program": self.program,
            "run_id": run_id,
            "code": error.code,
            "message": escaped(error.message),
            "again_at": error.again_at,
        }
        with mongo_errors("writing a checkpoint"):
            self.collection.update_one({"_id": name_of(raw)}, {"$set": {"rejected": entry}}, upsert=True)

    def of_this_program(self, raw: RawObject) -> Checkpoint | None:
        """The checkpoint of this very version of an object, where this very program wrote it."""
        same = {
            "_id": raw.uri,
            "etag": raw.etag,
            "rules_version": self.rules_version,
            "program": self.program,
            "zone": self.zone,
        }
        with mongo_errors("reading a checkpoint"):
            found = self.collection.find_one(same)
        if found is None:
            return None
        return Checkpoint({file["key"]: file["digest"] for file in found["files"]}, found["counts"])

    def begin(self, run_id: str, keys: Mapping[str, Sequence[str]]) -> dict[str, Begun]:
        """Note that files (`keys`, by the URI of their object) are about to be published and loaded.

        The notes stay until `write` or `end`. A load that another run begins between the reading and the notes is not
        seen, so only a run that still has the lease may go on.
        """
        of_these = {"_id": {"$in": list(keys)}}
        notes = [
            UpdateOne(
                {"_id": uri},
                {
                    "$set": {"loading": run_id, "settled": False},
                    "$addToSet": {"in_zone": {"$each": [{"zone": self.zone, "key": key} for key in of_object]}},
                },
                upsert=True,
            )
            for uri, of_object in keys.items()
        ]
        with mongo_errors("recording that an object is loaded"):
            before = {entry["_id"]: entry for entry in self.collection.find(of_these, {"loading": 1, "in_zone": 1})}
            self.collection.bulk_write(notes, ordered=False)
        return {
            uri: Begun(before.get(uri, {}).get("loading"), self._outdated(uri, before.get(uri), of_object))
            for uri, of_object in keys.items()
        }

    def outdated(self, uri: str, keys: Sequence[str]) -> list[str]:
        """The files of the zone that are the object's, and would not be those of a version with these."""
        with mongo_errors("reading a checkpoint"):
            found = self.collection.find_one({"_id": uri}, {"in_zone": 1})
        return self._outdated(uri, found, keys)

    def _outdated(self, uri: str, entry: Mapping[str, Any] | None, keys: Sequence[str]) -> list[str]:
        known = (entry or {}).get("in_zone", ())
        outdated = [file["key"] for file in known if file["zone"] == self.zone and file["key"] not in keys]
        return self._nobody_elses(uri, outdated)

    def _nobody_elses(self, uri: str, keys: list[str]) -> list[str]:
        """Those of the files that no other object has: a copy below another RAW_URI has them by the same names."""
        if not keys:
            return []
        also = {"_id": {"$ne": uri}, "in_zone": {"$elemMatch": {"zone": self.zone, "key": {"$in": keys}}}}
        with mongo_errors("reading the checkpoints"):
            others = {file["key"] for entry in self.collection.find(also, {"in_zone": 1}) for file in entry["in_zone"]}
        return [key for key in keys if key not in others]

    def end(self, uri: str, removed: Sequence[str]) -> None:
        """Note that files were published and loaded beside those that the entry vouches for, and others removed."""
        gone = [{"zone": self.zone, "key": key} for key in removed]
        stays = {"$not": [{"$in": ["$$this", {"$literal": gone}]}]}
        changes: dict[str, Any] = {
            "in_zone": {"$filter": {"input": "$in_zone", "cond": stays}},
            # Null where the object is vouched for and nothing of it may pass later; else it is not there.
            "settled": {"$eq": [{"$type": "$again_at"}, "null"]},
        }
        with mongo_errors("writing a checkpoint"):
            self.collection.update_one({"_id": uri}, [{"$set": changes}, {"$unset": "loading"}])

    def write(self, run_id: str, now: datetime, loaded: Iterable[Loaded]) -> None:
        """Vouch for objects."""
        with mongo_errors("writing a checkpoint"):
            self.collection.bulk_write([self._vouching(run_id, now, one) for one in loaded], ordered=False)

    def _vouching(self, run_id: str, now: datetime, loaded: Loaded) -> UpdateOne:
        entry = {
            "etag": loaded.raw.etag,
            "rules_version": self.rules_version,
            "program": self.program,
            "zone": self.zone,
            "run_id": run_id,
            "processed_at": now,
            "again_at": loaded.again_at,
            "settled": loaded.again_at is None,
            "files": [{"key": key, "digest": digest} for key, digest in loaded.files.items()],
            "counts": {name: getattr(loaded.counts, name) for name in (*COUNTED, "remarks")},
        }
        others = {"zone": self.zone, "key": {"$nin": [*loaded.files, *loaded.kept]}}
        changes = {"$set": entry, "$unset": {"loading": "", "rejected": ""}, "$pull": {"in_zone": others}}
        return UpdateOne({"_id": loaded.raw.uri}, changes)


def counts_of_run(collection: ObservationCollection, run_id: str) -> tuple[int, dict[str, int]]:
    """How many objects next to a main collection a run has vouched for last, and the sums of their counts (COUNTED)."""
    sums = {name: {"$sum": f"$counts.{name}"} for name in COUNTED}
    stages: list[dict[str, Any]] = [
        {"$match": {"run_id": run_id}},
        {"$group": {"_id": None, "objects": {"$sum": 1}, **sums}},
    ]
    with mongo_errors("reading the checkpoints"):
        found = next(iter(sibling_collection(collection, SUFFIX).aggregate(stages)), None)
    return (0, {}) if found is None else (found["objects"], {name: found[name] for name in COUNTED})


def name_of(raw: RawObject) -> str:
    """The URI of an object, as text that MongoDB takes: the name of a file can be none."""
    return raw.uri.encode("utf-8", "backslashreplace").decode("utf-8")


def _not_yet(now: datetime) -> dict[str, Any]:
    """The filter of a time that is later than now, or of none."""
    return {"$not": {"$lte": now}}
