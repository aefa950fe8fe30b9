"""The environment of a member of the replica set."""

from __future__ import annotations

SETTINGS = {
    "MONGO_MEMBER": "mongo-1.internal:27017",
    "MONGO_MEMBERS": "mongo-1.internal:27017,mongo-2.internal:27017,mongo-3.internal:27017",
    "MONGO_REPLICA_SET": "forecast",
    "MONGO_CACHE_GB": "0.25",
    "MONGO_BOOTSTRAPPED": "true",
    "MONGO_REPLICA_KEY": "k3y",
    "MONGO_TLS_CERTIFICATE": "PEM",
    "MONGO_TLS_CA": "PEM",
}
