"""The life of the replica set: certificates, initiation and users, dump and restore, the roll, the way out of a loss.

Operators and one-shot tasks run these; the pipeline uses none of it.
"""
