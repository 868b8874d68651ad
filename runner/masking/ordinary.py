"""What is too ordinary to be masked, although it stands in a secret."""

import re
from typing import Final

#: Values that hide nothing and stand in ordinary output, in lower case.
STOP_WORDS: Final = frozenset(
    b"0.0.0.0 127.0.0.1 account administrator ansible authorized_user changeme "
    b"cluster config database default development disabled enabled environment "
    b"example example.com localhost master namespace password placeholder postgres "
    b"postgresql private production profile project public pulumi region sandbox "
    b"secret secrets service service_account staging standard terraform testing "
    b"undefined unknown username".split()
)

#: Values that hide nothing: a rule such as "------", a region such as "eu-west-1",
#: an address that every key file of a cloud names.
STOP_VALUES: Final = re.compile(
    rb"([^0-9A-Za-z])\1*"
    rb"|[a-z]{2}(-[a-z]+){1,2}-[0-9]"
    rb"|(https://)?([a-z0-9]+\.)+(googleapis|google)\.com(/[a-z0-9]+)*"
)

#: Lines that say what stands around a secret: the armour of a PEM block,
#: "[default]", "credentials: {", "kind: Config".
STOP_LINES: Final = re.compile(
    rb"-----(BEGIN|END) [A-Z0-9 ]+-----"
    rb"|\[[\w .:-]+\]"
    rb"|[-\s]*[\"']?[\w.-]+[\"']?\s*:\s*[\[{]?"
    rb"|[\"']?(apiVersion|kind|type)[\"']?\s*:\s*[\w\"'./]+,?"
)

#: Lines of scripts that hide nothing: "set -euo pipefail", "apt-get update".
STOP_COMMANDS: Final = re.compile(
    rb"#!/[\w/.-]+( [\w.-]+)*"
    rb"|set( [-+][A-Za-z]+| pipefail)+"
    rb"|(sudo )?(apt|apt-get|apk|yum|dnf) (update|upgrade|clean)( -{1,2}[a-z]+)*"
)

#: What is too plain to be secret among many lines: "fi", "kubernetes", "100000".
_PLAIN: Final = re.compile(rb".{0,7}|[a-z]+", re.DOTALL)


def is_ordinary(value: bytes) -> bool:
    """Tell whether *value* stands in ordinary output too."""
    return value.lower() in STOP_WORDS or bool(STOP_VALUES.fullmatch(value))


def is_ordinary_line(line: bytes) -> bool:
    """Tell whether *line* stands in ordinary output too, next to other lines."""
    return is_ordinary(line) or bool(STOP_LINES.fullmatch(line))


def is_plain_line(line: bytes) -> bool:
    """Tell whether *line* is too plain to be hidden alone, as one of many lines."""
    return bool(_PLAIN.fullmatch(line) or STOP_COMMANDS.fullmatch(line))
