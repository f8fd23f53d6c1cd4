"""Time-based one-time passwords (RFC 6238, as every authenticator app speaks it): six digits, SHA-1, thirty seconds."""

import base64
import secrets
from hmac import compare_digest

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

DIGITS = 6
STEP = 30  # seconds
SECRET_BYTES = 20
ISSUER = "Parley"


def new_secret() -> str:
    """In base32, as people type it where they cannot scan."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def code_at(secret: str, step: int) -> str:
    return _totp(secret).generate(step * STEP).decode()


def matching_step(secret: str, code: str, *, now: float, after: int) -> int | None:
    """The time step of a right code: now, or one before or behind for a clock that is off; but later than `after`."""
    current = int(now // STEP)
    found = None
    for step in (current, current - 1, current + 1):  # all three, so that the answer takes the same time
        if compare_digest(code_at(secret, step).encode(), code.encode()) and step > after:
            found = step
    return found


def provisioning_uri(secret: str, account: str) -> str:
    """What the QR code says."""
    return _totp(secret).get_provisioning_uri(account, ISSUER)


def _totp(secret: str) -> TOTP:
    return TOTP(base64.b32decode(secret), DIGITS, SHA1(), STEP)
