"""Bring up an engine twice at once, use it, stop it, and tell each step as JSON.

Runs in network and mount namespaces of its own, where no engine answers.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from runner.docker.provision import connect, engine_down, engine_up
from runner.docker.rootfs import ensure_sample_image


def main(data_dir: Path) -> None:
    told: list[str] = []
    with ThreadPoolExecutor() as threads:
        both = [threads.submit(engine_up, told.append, data_dir, {}) for _ in "12"]
        engines = [one.result() for one in both]
    client = connect(engines[0])
    image = ensure_sample_image(client, told.append, sources=())
    said = client.containers.run(image.reference, ["echo", "hello"], remove=True)
    client.close()
    story = {
        "told": told,
        "urls": sorted({engine.url for engine in engines}),
        "said": said.decode(),
        "stopped": [engine_down(data_dir), engine_down(data_dir)],
    }
    sys.stdout.write(json.dumps(story))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
