"""Slack: listeners, messages, directory, outbox delivery and pacing."""
