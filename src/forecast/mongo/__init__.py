"""MongoDB. No other package of `forecast` imports pymongo or bson."""
