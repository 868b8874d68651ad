"""What every test can rely on, however the tests were started."""

import signal

from hypothesis import HealthCheck, settings

# A shell starts what it puts into the background with Ctrl-C ignored, and what is
# ignored is inherited by every program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How fast an example is depends on the machine: speed is measured by the benches.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")
