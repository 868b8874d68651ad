from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from tests.contract.runner.rigs import DockerRig, Rig, ScriptedRig
from tests.support.docker import docker_engine


@pytest.fixture(params=["scripted", "docker"])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    installation = f"contract-{uuid4().hex[:8]}"
    if request.param == "scripted":
        yield ScriptedRig(installation)
        return
    async with docker_engine(installation) as engine:
        yield DockerRig(engine, installation)
