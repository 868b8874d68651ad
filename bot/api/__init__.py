"""HTTP that the bot serves, beside Slack's own."""
