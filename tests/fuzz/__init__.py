"""Fuzzing of what hides secrets."""
