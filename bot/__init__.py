"""Handrail: run any command against your infrastructure from Slack."""
