"""What every room may know: errors, settings, parameters, stations, schemas, counts. It imports nothing of ours."""
