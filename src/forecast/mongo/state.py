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
# The code of an object that caused an unexpected exception.
INTERNAL_ERROR = "internal_error"
INDEXES: Final = (
    # Finds an object's files among those of all others.
    IndexModel([("in_zone.key", ASCENDING)], name="in_zone", sparse=True),
    # Every run counts the settled objects in the ranges that it does not list, from the index alone.
    IndexModel([(name, ASCENDING) for name in ("settled", "zone", "rules_version", "_id")], name="settled"),
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The results of an object: files of the processed zone (digest by key), and the numbers of ObjectCounts."""

    files: Mapping[str, str]
    counts: Mapping[str, Any]


class Begun(NamedTuple):
    """What was known of an object when its load began.

    `left_by` is a run that began another load of it and did not finish; what it wrote is in the database and
    looks like finished work. `outdated` are the object's files in the zone that do not belong to its new
    version.
    """

    left_by: str | None
    outdated: list[str]


@dataclass(frozen=True, slots=True)
class Loaded:
    """An object whose load has finished.

    `files` are its own in the zone (digest by key), and `kept` those of an earlier version that remain. `again_at`
    is the time from which rows that were rejected for now may pass.
    """

    raw: RawObject
    files: Mapping[str, str]
    counts: ObjectCounts
    again_at: datetime | None
    kept: Sequence[str] = ()


class Processed(NamedTuple):
    """The version of an object that was processed, and whether it is settled: no rejected row may pass later."""

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
    the object's, in any version, by zone and key. `settled` means that the object never has to be processed again.
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
        """The objects among these (by `name_of`) that were processed under these rules, with files in this zone.

        This excludes those whose load was begun again but has not finished, and those with rows that were rejected for
        the time being and may pass `now` (UTC). `without_records`: only those without any records.
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
        """How many of the objects whose URIs match a filter are settled."""
        within = {"settled": True, "rules_version": self.rules_version, "zone": self.zone, "_id": uris}
        with mongo_errors("counting checkpoints"):
            return self.collection.count_documents(within)

    def rejected(self, now: datetime, circumstances: str, names: list[str]) -> dict[str, Rejection]:
        """The objects among these (by `name_of`) that were rejected and would be again, because nothing has changed.

        `circumstances` (`circumstances_digest`) is a digest of what people can change to have an object accepted.
        An object that failed with an internal error is tried again with another version of the program.
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
        """Record that this version of an object was rejected; the results of an earlier version remain valid."""
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
        """The checkpoint of exactly this version of an object, if this version of the program wrote it."""
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
        """Record that files (`keys`, by the URI of their object) are about to be published and loaded.

        The entries stay until `write` or `end`. A load that another run begins between reading and writing is not
        seen, so only a run that still has the lease may continue.
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
        """The object's files in the zone that would not belong to a version with these keys."""
        with mongo_errors("reading a checkpoint"):
            found = self.collection.find_one({"_id": uri}, {"in_zone": 1})
        return self._outdated(uri, found, keys)

    def _outdated(self, uri: str, entry: Mapping[str, Any] | None, keys: Sequence[str]) -> list[str]:
        known = (entry or {}).get("in_zone", ())
        outdated = [file["key"] for file in known if file["zone"] == self.zone and file["key"] not in keys]
        return self._nobody_elses(uri, outdated)

    def _nobody_elses(self, uri: str, keys: list[str]) -> list[str]:
        """The files that no other object has; a copy below another RAW_URI has files with the same names."""
        if not keys:
            return []
        also = {"_id": {"$ne": uri}, "in_zone": {"$elemMatch": {"zone": self.zone, "key": {"$in": keys}}}}
        with mongo_errors("reading the checkpoints"):
            others = {file["key"] for entry in self.collection.find(also, {"in_zone": 1}) for file in entry["in_zone"]}
        return [key for key in keys if key not in others]

    def end(self, uri: str, removed: Sequence[str]) -> None:
        """Record that further files of an object were published and loaded, and others removed."""
        gone = [{"zone": self.zone, "key": key} for key in removed]
        stays = {"$not": [{"$in": ["$$this", {"$literal": gone}]}]}
        changes: dict[str, Any] = {
            "in_zone": {"$filter": {"input": "$in_zone", "cond": stays}},
            # Null if the object has a valid checkpoint and none of its rows may pass later; otherwise absent.
            "settled": {"$eq": [{"$type": "$again_at"}, "null"]},
        }
        with mongo_errors("writing a checkpoint"):
            self.collection.update_one({"_id": uri}, [{"$set": changes}, {"$unset": "loading"}])

    def write(self, run_id: str, now: datetime, loaded: Iterable[Loaded]) -> None:
        """Write the checkpoints of objects."""
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
    """How many objects have their last checkpoint from this run, and the sums of their counts (COUNTED)."""
    sums = {name: {"$sum": f"$counts.{name}"} for name in COUNTED}
    stages: list[dict[str, Any]] = [
        {"$match": {"run_id": run_id}},
        {"$group": {"_id": None, "objects": {"$sum": 1}, **sums}},
    ]
    with mongo_errors("reading the checkpoints"):
        found = next(iter(sibling_collection(collection, SUFFIX).aggregate(stages)), None)
    return (0, {}) if found is None else (found["objects"], {name: found[name] for name in COUNTED})


def name_of(raw: RawObject) -> str:
    """The URI of an object as text that MongoDB accepts, because a file name can be invalid UTF-8."""
    return raw.uri.encode("utf-8", "backslashreplace").decode("utf-8")


def _not_yet(now: datetime) -> dict[str, Any]:
    """A filter for a time later than now, or no time."""
    return {"$not": {"$lte": now}}
