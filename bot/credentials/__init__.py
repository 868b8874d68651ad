"""Credentials that only one run has: a cloud's role, and a signed token."""
