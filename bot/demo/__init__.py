"""The demo: a local workspace, a sample stack, and the real bot between them."""
