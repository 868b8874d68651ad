"""`python -m bot.cli`, the same as `handrail`."""

from bot.cli import main

main()
