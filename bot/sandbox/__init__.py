"""A Slack workspace on this machine, for trying the bot and for its tests."""
