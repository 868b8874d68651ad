"""A client of the HTTP API: performs a command as a tracked run of its stack."""
