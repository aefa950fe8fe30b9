"""The users of the set, each with the least rights that its work needs: built-in roles, and one of our own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pymongo import MongoClient

from forecast_ops.environment import required

_MAJORITY = {"w": "majority", "wtimeout": 60_000}
# What the pipeline does: readWrite, and collMod, by which it brings the collection's validator up to date. The built-in
# role that allows that, dbAdmin, allows much more.
PIPELINE_ROLE = "pipeline"


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


def users(database: str) -> tuple[User, ...]:
    """All users, where the pipeline's documents are in `database`."""
    return (
        User("root", "MONGO_ROOT_PASSWORD", (("root", "admin"),)),
        User("app", "MONGO_APP_PASSWORD", ((PIPELINE_ROLE, database),)),
        User("backup", "MONGO_BACKUP_PASSWORD", (("backup", "admin"),)),
        User("monitor", "MONGO_MONITOR_PASSWORD", (("clusterMonitor", "admin"),)),
    )


def make_users(client: MongoClient[dict[str, Any]], database: str) -> list[str]:
    """Make the role of the pipeline and the users; their names.

    A user that is there gets the password and the roles of now, so that this also rotates passwords.
    """
    wanted = users(database)
    # All passwords before the first change: half of the users is worse than none.
    creations = [user.command("createUser") for user in wanted]
    _make_role(client, database)
    there = {user["user"] for user in client.admin.command("usersInfo")["users"]}
    for user, creation in zip(wanted, creations, strict=True):
        change = user.command("updateUser") if user.name in there else creation
        client.admin.command(change, writeConcern=_MAJORITY)
    return [user.name for user in wanted]


def _make_role(client: MongoClient[dict[str, Any]], database: str) -> None:
    there = client[database].command("rolesInfo", PIPELINE_ROLE)["roles"]
    client[database].command(
        "updateRole" if there else "createRole",
        PIPELINE_ROLE,
        roles=["readWrite"],
        privileges=[{"resource": {"db": database, "collection": ""}, "actions": ["collMod"]}],
        writeConcern=_MAJORITY,
    )
