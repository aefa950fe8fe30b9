"""The database: the only room that imports pymongo or bson."""
