"""Policies in Rego, evaluated by Open Policy Agent in a process of its own."""
