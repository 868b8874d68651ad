"""The Docker engine, and the one door to its SDK."""
