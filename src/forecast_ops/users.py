"""The users of the set, each with the fewest rights that it needs: built-in roles and two of our own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pymongo import MongoClient

from forecast.mongo.lock import SUFFIX
from forecast_ops.environment import required

# Not the pipeline's database: its user has no rights on this one.
OPERATIONS_DATABASE: Final = "forecast_operations"
# A roll holds the lease on it, so that there is only one at a time.
ROLL_COLLECTION: Final = "roll"
PIPELINE_ROLE: Final = "pipeline"
ROLL_ROLE: Final = "roll"
_MAJORITY = {"w": "majority", "wtimeout": 60_000}


@dataclass(frozen=True, slots=True)
class Role:
    """A role of our own, in the database `database`."""

    name: str
    database: str
    roles: tuple[str, ...]
    privileges: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class User:
    """A user of the database admin; its password comes in the environment variable `variable`."""

    name: str
    variable: str
    roles: tuple[tuple[str, str], ...]  # role, database

    def command(self, verb: str) -> dict[str, Any]:
        """The command createUser or updateUser."""
        roles = [{"role": role, "db": database} for role, database in self.roles]
        return {
            verb: self.name,
            "pwd": required(self.variable, f"the password of the user {self.name}"),
            "roles": roles,
        }


def roles(database: str) -> Iterator[Role]:
    """The roles that MongoDB does not provide; the pipeline's documents are in `database`."""
    # readWrite, and collMod, with which the pipeline updates the collection's validator. The built-in role that allows
    # it, dbAdmin, allows much more. A restore drops, creates and fills collections, and needs no other rights.
    yield Role(
        PIPELINE_ROLE,
        database,
        ("readWrite",),
        ({"resource": {"db": database, "collection": ""}, "actions": ["collMod"]},),
    )
    # The built-in role that lets a primary step down, clusterManager, may also change the set's members.
    yield Role(
        ROLL_ROLE,
        "admin",
        (),
        (
            {"resource": {"cluster": True}, "actions": ["replSetGetStatus", "replSetStateChange"]},
            {
                "resource": {"db": OPERATIONS_DATABASE, "collection": f"{ROLL_COLLECTION}{SUFFIX}"},
                "actions": ["find", "insert", "update", "remove"],
            },
        ),
    )


def users(database: str) -> tuple[User, ...]:
    """All users; the pipeline's documents are in `database`."""
    return (
        # For a person in an emergency: no task except `init` has its password.
        User("root", "MONGO_ROOT_PASSWORD", (("root", "admin"),)),
        User("app", "MONGO_APP_PASSWORD", ((PIPELINE_ROLE, database),)),
        # The built-in role backup also reads the users' password hashes and every other database.
        User("backup", "MONGO_BACKUP_PASSWORD", (("read", database),)),
        User("monitor", "MONGO_MONITOR_PASSWORD", (("clusterMonitor", "admin"),)),
        User("roll", "MONGO_ROLL_PASSWORD", ((ROLL_ROLE, "admin"),)),
    )


def make_users(client: MongoClient[dict[str, Any]], database: str) -> list[str]:
    """Create the roles and the users. Returns the users' names.

    An existing user gets the current password and roles, so this also rotates passwords.
    """
    wanted = users(database)
    # All passwords are read before the first change, so that a missing one leaves every user as it was.
    creations = [user.command("createUser") for user in wanted]
    for role in roles(database):
        _make_role(client, role)
    there = {user["user"] for user in client.admin.command("usersInfo")["users"]}
    for user, creation in zip(wanted, creations, strict=True):
        change = user.command("updateUser") if user.name in there else creation
        client.admin.command(change, writeConcern=_MAJORITY)
    return [user.name for user in wanted]


def _make_role(client: MongoClient[dict[str, Any]], role: Role) -> None:
    there = client[role.database].command("rolesInfo", role.name)["roles"]
    client[role.database].command(
        "updateRole" if there else "createRole",
        role.name,
        roles=list(role.roles),
        privileges=list(role.privileges),
        writeConcern=_MAJORITY,
    )
