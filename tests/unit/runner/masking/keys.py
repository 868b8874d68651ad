"""Made-up secrets of realistic shape."""

import random
from base64 import b64encode

_BODY = b64encode(random.Random(7).randbytes(400))

#: A private key in PEM armour, ending in a newline; it opens nothing.
PEM = b"\n".join(
    (
        b"-----BEGIN RSA PRIVATE KEY-----",
        *(_BODY[at : at + 64] for at in range(0, len(_BODY), 64)),
        b"-----END RSA PRIVATE KEY-----\n",
    )
)
