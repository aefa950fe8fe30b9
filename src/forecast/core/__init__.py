"""What every package may use: errors, settings, parameters, stations, schemas, counts. Imports no other package."""
