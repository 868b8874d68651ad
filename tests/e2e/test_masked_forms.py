"""What real tools make of a secret in a real container: nothing of it is seen."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import quote

import pytest

from bot.domain.run import RunState
from bot.domain.stack import FromEnv
from runner.docker.address import connect
from runner.docker.rootfs import ensure_sample_image
from runner.job import DirectorySource
from tests.e2e.tools_image import ensure_tools_image
from tests.support.docker import engine_address
from tests.support.docker_bot import (
    Told,
    a_docker_bot,
    a_real_stack,
    everything_in_slack,
    told,
)

SECRET = 'it\'s "correct" & <horse>\nbätterie/stäple $x+y=${z} ==\\end'
WORDS = ("correct", "horse", "bätterie", "stäple")
DOCUMENT = json.dumps({"user": "ann", "deep": {"token": SECRET, "pin": 83749261}})
MAIN = """
variable "secret" { type = string }
output "it" {
  value = {
    plain = var.secret, json = jsonencode({ token = var.secret })
    url = urlencode(var.secret), base64 = base64encode(var.secret)
    yaml = yamlencode([var.secret])
  }
}
"""

#: Each prints the secret in its own way, and needs nothing but busybox.
BY_SHELL = {
    "set -x": 'set -x; : "$TF_VAR_secret"; test a = "$TF_VAR_secret"',
    "env": "env",
    "export -p": "export -p",
    "set": "set",
    "base64": 'printf %s "$TF_VAR_secret" | base64',
    "base64 of more": 'printf "user:%s and more" "$TF_VAR_secret" | base64',
    "base64 -w0": 'echo "$TF_VAR_secret" | base64 -w0',
    "base64 of lines": (
        'echo "$TF_VAR_secret" | while read -r line; do echo "$line" | base64; done'
    ),
    "xxd -p": 'printf %s "$TF_VAR_secret" | xxd -p',
    "hex": "printf %s \"$TF_VAR_secret\" | od -An -v -tx1 | tr -d ' \\n'",
    "capital hex": 'printf %s "$TF_VAR_secret" | xxd -p | tr -d "\\n" | tr a-f A-F',
    "percent": "printf %s \"$TF_VAR_secret\" | od -An -v -tx1 | tr -d '\\n' | tr ' ' %",
    "percent by awk": (
        "printf %s \"$TF_VAR_secret\" | xxd -p | tr -d '\\n' "
        "| awk '{ gsub(/../, \"%&\"); print toupper($0) }'"
    ),
    "colours": (
        'echo "$TF_VAR_secret" | awk \'{ gsub("rr", "\\033[31mrr\\033[0m"); '
        'gsub("st", "\\r&"); gsub("ple", "\\342\\200\\213&"); print }\''
    ),
    "carriage returns": 'echo "$TF_VAR_secret" | sed "s/$/\\r/"',
    "JSON by sed": (
        'printf %s "$TF_VAR_secret" | sed \'s/\\\\/\\\\\\\\/g; s/"/\\\\"/g\' '
        "| awk '{ printf \"%s\\\\n\", $0 }'"
    ),
    "XML by sed": (
        'echo "$TF_VAR_secret" | sed \'s/&/\\&amp;/g; s/</\\&lt;/g; s/"/\\&quot;/g; '
        "s/>/\\&gt;/g'"
    ),
    "a document": 'echo "$DOCUMENT"; echo "$DOCUMENT" | grep -o 8.*1',
}

BY_TERRAFORM = {
    "output": "terraform output",
    "output -json": "terraform output -json",
    "show": "terraform show",
    "show -json": "terraform show -json",
    "state pull": "terraform state pull",
    "console": "echo 'jsonencode([var.secret, {a = var.secret}])' | terraform console",
    "urlencode": "echo 'urlencode(var.secret)' | terraform console",
    "base64encode": "echo 'base64encode(var.secret)' | terraform console",
    "base64encode in JSON": (
        "echo 'base64encode(jsonencode({a = var.secret}))' | terraform console"
    ),
    "format %q": "echo 'format(\"%q\", var.secret)' | terraform console",
    "textencode": "echo 'yamlencode({a = var.secret})' | terraform console",
}

#: Each prints the secret in the way of a tool that busybox does not have.
BY_TOOLS = {
    "bash -x": 'bash -xc \': "$TF_VAR_secret"; test a = "$TF_VAR_secret"\'',
    "dash -x": 'dash -xc \': "$TF_VAR_secret"; test a = "$TF_VAR_secret"\'',
    "dash echo": "dash -c 'echo \"$TF_VAR_secret\"'",
    "bash -v": "bash -vc 'declare -p TF_VAR_secret; export -p; set'",
    "%q": 'bash -c \'printf "%q\\n" "$TF_VAR_secret"\'; printf %q "$TF_VAR_secret"',
    "@Q": 'bash -c \'echo "${TF_VAR_secret@Q}"; echo "${TF_VAR_secret@A}"\'',
    "in the C locale": "LC_ALL=C bash -xc ': \"$TF_VAR_secret\"; set'",
    "env": "env; env -0 | tr '\\0' '\\n'",
    "base64": 'printf %s "$TF_VAR_secret" | base64; echo "$TF_VAR_secret" | base64',
    "base64 -w0": 'printf "%s and more" "$TF_VAR_secret" | base64 -w0',
    "base64 -w64": 'printf "user:%s" "$TF_VAR_secret" | base64 -w64',
    "xxd -p": 'echo "$TF_VAR_secret" | xxd -p; echo "$TF_VAR_secret" | xxd -p -u',
    "od": 'echo "$TF_VAR_secret" | od -An -v -tx1 | tr -d " \\n"',
    "jq -R": 'echo "$TF_VAR_secret" | jq -R .; echo "$TF_VAR_secret" | jq -Rs .',
    "jq -r": 'echo "$TF_VAR_secret" | jq -Rr .; echo "$TF_VAR_secret" | jq -Rsa .',
    "jq in colours": "jq -nC '[env.TF_VAR_secret]'",
    "jq in jq": "jq -n '{a: {b: env.TF_VAR_secret} | tojson} | tojson'",
    "jq env": "jq -n env; jq -n '$ENV'; jq -nc env",
    **{
        f"jq @{name}": f"jq -nr '[env.TF_VAR_secret] | @{name}'"
        for name in ("sh", "csv", "tsv", "json", "text")
    },
    **{
        f"jq @{name} of text": f"jq -nr 'env.TF_VAR_secret | @{name}'"
        for name in ("uri", "html", "base64", "sh")
    },
    **{
        f"Python {name}": f"python3 -c 'import {name.split('.')[0]}, os, sys\n"
        f's = os.environ["TF_VAR_secret"]\nprint({call})\''
        for name, call in {
            "builtins.repr": "repr(s)",
            "builtins.ascii": "ascii(s)",
            "builtins.bytes": "s.encode(), [s], os.environ",
            "builtins.raise": "s, file=sys.stderr); raise ValueError(s",
            "json.dumps": "json.dumps(s), json.dumps({1: s}, ensure_ascii=False)",
            "json.twice": "json.dumps(json.dumps([s]))",
            "urllib.parse": '__import__("urllib.parse").parse.quote(s)',
            "urllib.plus": '__import__("urllib.parse").parse.quote_plus(s)',
            "base64.b64encode": "base64.b64encode(s.encode())",
            "base64.url": "base64.urlsafe_b64encode(s.encode()).decode()",
            "base64.lines": "base64.encodebytes(s.encode()).decode()",
            "shlex.quote": "shlex.quote(s)",
            "html.escape": "html.escape(s), html.escape(s, quote=False)",
            "binascii.hexlify": "binascii.hexlify(s.encode())",
            "logging.error": 'logging.error("got %r", {"s": s})',
            "pprint.pformat": 'pprint.pformat({"s": s}, width=200)',
        }.items()
    },
}


@cache
def terraform_image() -> str:
    client = connect(engine_address())
    try:
        return ensure_sample_image(client, print).reference
    finally:
        client.close()


@cache
def tools_image() -> str:
    client = connect(engine_address())
    try:
        return ensure_tools_image(client, terraform_image())
    finally:
        client.close()


def readable(output: bytes) -> Iterator[str]:
    """Give each word of the secret that somebody could read in *output*."""
    lower = output.lower()
    squeezed = b"".join(lower.split())
    for word in WORDS:
        data = word.encode()
        percent = quote(word).lower().encode()
        spelled = "".join(f"%{byte:02x}" for byte in data).encode()
        if any(each in lower for each in (data, percent, spelled)):
            yield word
        if data.hex().encode() in squeezed:
            yield f"{word} in hex"


async def seen_of(
    tmp_path: Path, ways: dict[str, str], prepare: str, image: str
) -> Told:
    """Run all *ways* in one container, each behind a line with its name."""
    tree = tmp_path / "source"
    tree.mkdir()
    (tree / "main.tf").write_text(MAIN)
    for nth, command in enumerate(ways.values()):
        (tree / f"way{nth}.sh").write_text(f"exec 2>&1\n{command}\n")
    steps = (f"echo; echo '== {name}'; sh way{n}.sh" for n, name in enumerate(ways))
    (tree / "all.sh").write_text("\n".join([prepare, *steps, "echo; echo '== end'"]))
    stack = a_real_stack(
        image=image,
        source=DirectorySource(directory=tree),
        secrets={
            "TF_VAR_secret": FromEnv(variable="NET_SECRET"),
            "DOCUMENT": FromEnv(variable="NET_DOCUMENT"),
        },
    )
    async with a_docker_bot(tmp_path, stack) as bot:
        bot.environ |= {"NET_SECRET": SECRET, "NET_DOCUMENT": DOCUMENT}
        seen = await told(bot, "sh all.sh")
        assert not [word for word in WORDS if word in everything_in_slack(bot)]
    return seen


@pytest.mark.parametrize(
    ("ways", "prepare", "image"),
    [
        (BY_SHELL, ":", terraform_image),
        (
            BY_TERRAFORM,
            "terraform apply -auto-approve > out || exit 9",
            terraform_image,
        ),
        (BY_TOOLS, ":", tools_image),
    ],
    ids=["shell", "terraform", "tools"],
)
async def test_no_tool_shows_a_secret(
    tmp_path: Path, ways: dict[str, str], prepare: str, image: Callable[[], str]
) -> None:
    seen = await seen_of(tmp_path, ways, prepare, image())

    sections = seen.output.split(b"\n== ")[1:]
    assert seen.run.state is RunState.FINISHED
    assert [each.split(b"\n")[0].decode() for each in sections] == [*ways, "end"]
    assert [each for each in sections if list(readable(each))] == []
    assert [each for each in sections[:-1] if b"*****" not in each] == []
    assert [each for each in sections if b"not found" in each] == []
