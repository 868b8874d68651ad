"""Made-up tokens of the shapes that real ones have; they open nothing.

They are put together here, so that no scanner takes this file for a leak.
"""

import json
import random
from base64 import b64encode

from tests.unit.runner.masking.keys import PEM

_CHANCE = random.Random(11)
_DIGITS = "0123456789"
_SMALL = "abcdefghijklmnopqrstuvwxyz"
_LETTERS = _DIGITS + _SMALL + _SMALL.upper()
_HEX = _DIGITS + "abcdef"


def some(size: int, of: str = _LETTERS) -> bytes:
    return "".join(_CHANCE.choices(of, k=size)).encode()


def part(*fields: str) -> bytes:
    document = json.dumps(dict.fromkeys(fields, "x" * 12)).encode()
    return b64encode(document).rstrip(b"=")


_SLACK_IDS = some(12, _DIGITS) + b"-" + some(13, _DIGITS) + b"-"

_SIGNED = b"gh" + b"s_123456_"

#: Each is hidden as a whole.
TOKENS: dict[str, bytes] = {
    "AWS key id": b"AK" + b"IA" + some(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "AWS key id, temporary": b"AS" + b"IA" + some(16, "ABCDEFGHIJ234567"),
    "AWS session": b"IQoJb3Jp" + b"Z2luX2Vj" + some(400) + b"/+==",
    "Google API key": b"AI" + b"za" + some(35, _LETTERS + "_-"),
    "Google access": b"ya" + b"29." + some(180, _LETTERS + "_-"),
    "Google client secret": b"GOC" + b"SPX-" + some(28, _LETTERS + "_-"),
    **{f"GitHub {kind}": f"gh{kind}_".encode() + some(36) for kind in "pousr"},
    "GitHub app, signed": b".".join((_SIGNED + part("alg"), some(99), some(43))),
    "GitHub, fine-grained": b"github_" + b"pat_" + some(22) + b"_" + some(59),
    "GitLab": b"gl" + b"pat-" + some(20, _LETTERS + "_-"),
    "GitLab, routable": b"gl" + b"pat-" + some(30) + b".01." + some(9, _HEX),
    "GitLab runner": b"gl" + b"rt-t1_" + some(20, _LETTERS + "_-"),
    "GitLab job": b"gl" + b"cbt-64_" + some(20, _LETTERS + "_-"),
    "GitLab deploy": b"gl" + b"dt-" + some(20),
    "Bitbucket app password": b"AT" + b"BB" + some(32),
    "Bitbucket access": b"AT" + b"CTT3xFfGN0" + some(180, _LETTERS + "_-") + b"=AB12",
    "Atlassian": b"AT" + b"ATT3xFfGF0" + some(180, _LETTERS + "_-") + b"=AB12",
    "Slack bot": b"xo" + b"xb-" + _SLACK_IDS + some(24),
    "Slack user": b"xo" + b"xp-" + _SLACK_IDS + some(12, _DIGITS) + b"-" + some(32),
    "Slack app": b"xa" + b"pp-1-" + _SLACK_IDS + some(64, _HEX),
    "Slack refresh": b"xo" + b"xe-1-" + some(140),
    "Slack rotating": b"xo" + b"xe.xo" + b"xp-1-" + some(160),
    "Stripe": b"sk_" + b"live_" + some(24),
    "Stripe, restricted": b"rk_" + b"live_" + some(99),
    "Stripe, test": b"sk_" + b"test_" + some(24),
    "Stripe webhook": b"whs" + b"ec_" + some(32),
    "npm": b"np" + b"m_" + some(36),
    "PyPI": b"pypi-" + b"AgEIcHlwaS5vcmc" + some(150, _LETTERS + "_-"),
    "Docker Hub": b"dckr_" + b"pat_" + some(27, _LETTERS + "_-"),
    "RubyGems": b"rubygems" + b"_" + some(48, _HEX),
    "Vault": b"hv" + b"s." + some(95, _LETTERS + "_-"),
    "Vault batch": b"hv" + b"b." + some(180, _LETTERS + "_-"),
    "Pulumi": b"pu" + b"l-" + some(40, _HEX),
    "DigitalOcean": b"do" + b"p_v1_" + some(64, _HEX),
    "SendGrid": b"S" + b"G." + some(22, _LETTERS + "_-") + b"." + some(43),
    "Anthropic": b"sk-" + b"ant-api03-" + some(93, _LETTERS + "_-") + b"AA",
    "OpenAI": b"sk-" + b"proj-" + some(74, _LETTERS + "_-"),
    "OpenAI, older": b"sk" + b"-" + some(48),
    "Grafana": b"gl" + b"sa_" + some(32) + b"_" + some(8, _HEX),
    "Databricks": b"da" + b"pi" + some(32, _HEX),
    "Hugging Face": b"h" + b"f_" + some(34),
    "age": b"AGE-SECRET-" + b"KEY-1" + some(58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"),
    "JWT": b".".join((part("alg", "typ"), part("iss", "sub", "aud"), some(43))),
    "private key": PEM.strip(),
    "private key in base64": b64encode(PEM),
}

_PASS = some(16)
_AWS_SECRET = some(40, _LETTERS + "/+")
_AZURE = some(86, _LETTERS + "/+") + b"=="

#: What is shown before a token, the token itself, and what is shown behind it.
PLACES: dict[str, tuple[bytes, bytes, bytes]] = {
    "GitLab header": (b"PRIVATE-TOKEN: ", some(20), b"\n"),
    "Vault header": (b"-H 'x-vault-token: ", b"s." + some(24), b"'"),
    "no scheme": (b"Authorization: ", some(32), b"\n"),
    "Docker login": (b'"auth": "', b"dXNlcjpodW50ZXIyMg==", b'"}'),
    "Docker login in JSON": (rb"\"auth\":\"", b"dXNlcjpodW50ZXIyMg==", rb"\"}"),
    "AWS credentials file": (b"aws_secret_access_key = ", _AWS_SECRET, b"\n"),
    "AWS environment": (b"export AWS_SECRET_ACCESS_KEY=", _AWS_SECRET, b"\n"),
    "AWS environment, quoted": (b'AWS_SECRET_ACCESS_KEY="', _AWS_SECRET, b'"\n'),
    "STS": (b'"SecretAccessKey": "', _AWS_SECRET, b'",'),
    "STS in XML": (b"<SecretAccessKey>", _AWS_SECRET, b"</SecretAccessKey>"),
    "STS in JSON in JSON": (rb"\"SecretAccessKey\" : \"", _AWS_SECRET, rb"\","),
    "AWS provider": (b'secret_key          = "', _AWS_SECRET, b'"'),
    "Azure storage": (b"AccountName=x;AccountKey=", _AZURE, b";EndpointSuffix=a"),
    "Azure bus": (b"SharedAccessKey=", some(43) + b"=", b";EntityPath=a"),
    "Azure SAS": (b"?sv=2022-11-02&ss=b&sig=", some(43) + b"%3D", b"&se=2030"),
    "Azure SAS in JSON": (rb"ss=b\u0026sig=", some(43) + b"%3D", rb"\u0026se=2030"),
    "Azure client secret": (b"abc8", b"Q~" + some(34), b"\n"),
    "Terraform Cloud": (some(14) + b".atlasv1.", some(67), b'"'),
    "Slack webhook": (
        b"https://hooks.slack.com/services/",
        b"T" + some(8) + b"/B" + some(10) + b"/" + some(24),
        b"\n",
    ),
    "Bearer": (b"Authorization: Bearer ", some(40), b"\r\n"),
    "Basic": (b"> authorization: Basic ", b64encode(b"ann:hunter22"), b"\n"),
    "token": (b"-H 'Authorization: token ", some(40), b"' https://api.example.com"),
    "Bearer in JSON": (b'"Authorization": "Bearer ', some(30) + b"==", b'"'),
    "Bearer in Go": (b"map[Authorization:[Bearer ", some(30), b"] Accept:[*/*]]"),
    "Bearer in JSON in JSON": (rb"\"authorization\" : [\"Bearer ", some(30), rb"\"]"),
    "Bearer in CGI": (b"HTTP_AUTHORIZATION=Bearer ", some(30), b"\n"),
    "proxy": (b"Proxy-Authorization: Basic ", b64encode(b"ann:hunter2"), b"\n"),
    "URL": (b"https://ann:", _PASS, b"@example.com/x"),
    "URL without a name": (b"redis://:", _PASS, b"@cache:6379/0"),
    "URL with port": (b"postgres://app:", _PASS, b"@db.example.com:5432/app"),
    "URL of an at sign": (b"mysql://app:", b"p@ss:" + _PASS, b"@10.0.0.1/app"),
    "URL with the longest name": (b"amqp://" + b"a" * 30 + b":", _PASS, b"@host"),
    "URL with a longer name": (b"amqp://", b"a" * 31 + b":" + _PASS, b"@host"),
    "URL in JSON": (b'"https:\\/\\/ann:', _PASS, b'@example.com\\/x"'),
    "URL with a token for a name": (b"git+https://", some(40, _HEX), b"@github.com/x"),
}

#: What looks like a token from afar, and stays.
NEAR_MISSES: dict[str, bytes] = {
    "a pod of an app": b"xapp-controller-6f7d9c8b5-abcde Running",
    "a pod of a runner": b"gitlab.com/glrt-runner-deployment-6f7d9c8b5-abcde",
    "an error about a key": b"expected -----BEGIN PRIVATE KEY-----\n"
    b"GET /apis/apiextensions/v1/customresourcedefinitions/foo HTTP/1.1\n"
    b"aws_subnet: Refreshing [id=/subscriptions/xyz/resourceGroups/foo/Bar1]",
    "a realm": b"Authorization: Basic realm=Registry",
    "a word with a dash": b"Authorization: Bearer token-review API",
    "a word with a slash": b"authorization: Basic auth/credentials missing",
    "a port and a user": b"https://example.com:8443,user@host failed",
    "a port and a parameter": b"jdbc:sqlserver://h:1433;user=a@b;",
    "a longer word": b"AK" + b"IA" + some(17, "ABCDEFGH"),
    "within a word": b"xAK" + b"IA" + some(16, "ABCDEFGH"),
    "too short": b"gh" + b"p_" + some(20) + b" ",
    "npm, too long": b"np" + b"m_" + some(37),
    "an option of npm": b"npm_config_registry=https://registry.example.com/",
    "a task": b"task-" + some(48),
    "a disk": b"/dev/disk-" + some(48),
    "an AMI": b"ami-0abcdef1234567890 vpc-0a1b2c3d4e5f67890",
    "a commit": b"git checkout " + some(40, _HEX),
    "a digest": b"sha256:" + some(64, _HEX),
    "an image by digest": b"docker://registry:5000@sha256:" + some(64, _HEX),
    "a digest behind a name": b"http://"
    + some(40, _HEX)
    + b"@sha256:"
    + some(64, _HEX),
    "base64 of JSON": b64encode(b'{"kind": "Config", "users": []}' * 20),
    "a certificate": PEM.replace(b"RSA PRIVATE KEY", b"CERTIFICATE"),
    "a public key": PEM.replace(b"RSA PRIVATE KEY", b"PUBLIC KEY"),
    "base64 of a certificate": b64encode(
        PEM.replace(b"RSA PRIVATE KEY", b"CERTIFICATE")
    ),
    "armour in a sentence": b'no "-----BEGIN RSA PRIVATE KEY-----" found in key.pem\n',
    "armour alone": b"-----BEGIN PRIVATE KEY-----\nApply complete!\nReady.\n",
    "a header without a value": b"Authorization: Bearer is required\n",
    "a header with a variable": b"Authorization: Bearer ${TOKEN}\n",
    "a sentence on headers": b"Authorization: token authentication failed\n",
    "a URL with a port": b"http://localhost:8080/v1/a@b https://[::1]:8080/@x\n",
    "a URL with a name": b"ssh://git@github.com/a/b.git https://contoso@dev.azure.com\n",
    "a URL with a variable": b"https://ann:${PASSWORD}@example.com\n",
    "a URL that was masked": b"https://ann:*****@example.com https://*****@host\n",
    "an address": b"mailto:ann@example.com see http://example.com, ann@example.com\n",
    "a scoped package": b"https://registry.example.com:443/@scope/package\n",
    "a flag": b"--secret_key=var.key secret_access_key = (sensitive value)\n",
    "a version": b"hvs.io sk-1 SG.a.b ya29.x xoxb-your-token glpat-example\n",
    "an end": b"eyJ eyJhbGci.eyJpc3M.sig AIza sig= ?sig=none :// @ Authorization:\n",
}
