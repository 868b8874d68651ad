"""AWS on this machine: moto's server, with an ear on what it is asked."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from json import dumps
from typing import Any
from urllib.parse import parse_qsl

from aiobotocore.session import get_session
from aiohttp import ClientSession, web

ACCOUNT = "123456789012"
REGION = "eu-west-1"

#: it has read what AWS's services take, which is long
_SESSION = get_session()

# Ends with its standard input, so that nothing of it outlives the tests.
_SERVER = """
import sys
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print("http://{}:{}".format(*server.get_host_and_port()), flush=True)
sys.stdin.read()
"""


@dataclass(kw_only=True)
class Cloud:
    """An account in AWS, where signatures and policies are checked."""

    address: str  #: of the ear
    server: str
    #: every request's parameters
    asked: list[dict[str, str]] = field(default_factory=list)
    #: the region that every request was signed for
    regions: list[str] = field(default_factory=list)
    #: every answer
    answered: list[str] = field(default_factory=list)
    #: what the next requests are answered with instead
    faults: list[tuple[int, str]] = field(default_factory=list)

    def environment(self, keys: Mapping[str, str]) -> dict[str, str]:
        """Return what makes AWS programs ask here, as who has *keys*."""
        return {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_DEFAULT_REGION": REGION,
            **_NOWHERE,
            **keys,
        }

    async def add_user(self, name: str = "handrail") -> dict[str, str]:
        """Make a user who may assume roles, and return its keys."""
        async with self._iam() as iam:
            await iam.create_user(UserName=name)
            await iam.put_user_policy(
                UserName=name,
                PolicyName="assume",
                PolicyDocument=_policy(Action="sts:AssumeRole", Resource="*"),
            )
            made = (await iam.create_access_key(UserName=name))["AccessKey"]
        return {
            "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
        }

    async def add_role(
        self, name: str, *, trusts: str = "handrail", external_id: str = ""
    ) -> str:
        """Make a role that the user *trusts* may assume, and return its ARN."""
        condition = {"StringEquals": {"sts:ExternalId": external_id}}
        trust = _policy(
            Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/{trusts}"},
            Action=["sts:AssumeRole", "sts:TagSession"],
            **({"Condition": condition} if external_id else {}),
        )
        async with self._iam() as iam:
            made = await iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        return str(made["Role"]["Arn"])

    async def check(self, *, everything: bool) -> None:
        """Check the signatures and policies of all requests, or of none."""
        unchecked = "0" if everything else "inf"
        await _post(f"{self.server}/moto-api/reset-auth", unchecked)

    @asynccontextmanager
    async def _iam(self) -> AsyncIterator[Any]:
        await self.check(everything=False)
        async with _SESSION.create_client(
            "iam",
            endpoint_url=self.server,
            region_name=REGION,
            aws_access_key_id="anybody",
            aws_secret_access_key="anything",
        ) as iam:
            yield iam
        await self.check(everything=True)


#: no credentials but those that a test gives
_NOWHERE = {
    "AWS_CONFIG_FILE": "/nonexistent/config",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def moto_server() -> Iterator[str]:
    """Run moto's server as a process of its own, and give its address."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


@asynccontextmanager
async def a_cloud(server: str) -> AsyncIterator[Cloud]:
    """Give an empty account, behind an ear of its own."""
    cloud = Cloud(address="", server=server)
    await _post(f"{server}/moto-api/reset", "")
    async with ClientSession(auto_decompress=False) as session:

        async def pass_on(request: web.Request) -> web.Response:
            return await _passed_on(request, cloud, session)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", pass_on)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            cloud.address = "http://{}:{}".format(*runner.addresses[0])
            yield cloud
        finally:
            await runner.cleanup()


async def _passed_on(
    request: web.Request, cloud: Cloud, session: ClientSession
) -> web.Response:
    body = await request.read()
    cloud.asked.append(dict(parse_qsl(body.decode())))
    # Who shows a token signs nothing.
    credential = request.headers.get("Authorization", "///").split("/")
    cloud.regions.append(credential[2])
    if cloud.faults:
        status, text = cloud.faults.pop(0)
        return web.Response(status=status, text=text)
    # With all its headers: who signed the request has signed the host in it.
    async with session.request(
        request.method,
        f"{cloud.server}{request.rel_url}",
        data=body,
        headers=request.headers,
    ) as answer:
        content = await answer.read()
    cloud.answered.append(content.decode())
    return web.Response(status=answer.status, body=content, content_type="text/xml")


async def caller(cloud: Cloud, keys: Mapping[str, str]) -> str:
    """Return as whom AWS knows who has *keys*, checked by their signature."""
    async with _SESSION.create_client(
        "sts",
        endpoint_url=cloud.address,
        region_name=REGION,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=keys["AWS_SESSION_TOKEN"],
    ) as sts:
        return str((await sts.get_caller_identity())["Arn"])


async def _post(address: str, body: str) -> None:
    async with ClientSession() as session, session.post(address, data=body) as answer:
        assert answer.ok, await answer.text()


def _policy(**statement: Any) -> str:
    allowed = {"Effect": "Allow", **statement}
    return dumps({"Version": "2012-10-17", "Statement": [allowed]})
