"""Who assumes no role needs nothing of AWS."""

import subprocess
import sys

WITHOUT = """
import sys
sys.modules.update(dict.fromkeys(["aiobotocore", "botocore", "moto"]))
import bot.app
"""


def test_the_bot_starts_without_the_extra_for_aws() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT], check=True)
