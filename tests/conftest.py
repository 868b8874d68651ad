"""What every test can rely on, however the tests were started."""

import signal

# A shell starts what it puts into the background with Ctrl-C ignored, and what is
# ignored is inherited by every program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
