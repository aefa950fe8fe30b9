"""Operation of the replica set: certificates, initiation and users, dump and restore, rolling, recovery.

Operators and one-shot tasks use this package; the pipeline does not.
"""
