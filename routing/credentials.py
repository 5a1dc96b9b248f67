"""Credentials of upstreams: references that stay references, and secrets that are encrypted at rest.

A reference is `$VAR`, `${VAR}` or `file:/path`; it is stored as written and read only when a route table is built.
Anything else is a secret: it is stored encrypted (`GATEWAY_ENCRYPTION_KEYS`, newest key first), and shown and exported
as a fingerprint only.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from routing.rules import InvalidValue
from routing.table import Credential

FINGERPRINT_PREFIX = "fingerprint:"
FILE_PREFIX = "file:"
MAX_FILE_BYTES = 64 * 1024
_VARIABLE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")
_OWN_VARIABLES = re.compile(r"SECRET_KEY|DATABASE_URL|VALKEY_URL|GATEWAY_\w+")
_SYSTEM_FOLDERS = (Path("/proc"), Path("/sys"), Path("/dev"))
_HEADER_SAFE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


def is_reference(text: str) -> bool:
    """Return whether this access key names where the secret is, instead of being it."""
    return text.startswith(("$", FILE_PREFIX))


def check_access_key(text: str) -> None:
    """Check an access key as it is written in a seed file or in admin. Raises InvalidValue that hides it."""
    if text.startswith("$"):
        match = _VARIABLE.fullmatch(text)
        if match is None:
            raise InvalidValue("an access key that begins with $ names a variable: write $NAME or ${NAME}")
        name = match[1] or match[2]
        if _OWN_VARIABLES.fullmatch(name):
            raise InvalidValue(f"${name} is a secret of the gateway itself: name a variable with the provider's key")
    elif text.startswith(FILE_PREFIX):
        _check_path(text.removeprefix(FILE_PREFIX))
    elif text.startswith(FINGERPRINT_PREFIX):
        raise InvalidValue(
            "fingerprint: stands for a stored secret in exported files: write $NAME, file:/path or the secret"
        )
    elif not _HEADER_SAFE.fullmatch(text):
        raise InvalidValue("an access key is $NAME, file:/path or the secret, on one line and without spaces around it")


def resolve_reference(text: str) -> Credential:
    """Return the secret that a reference names, or what is missing: the variable's name, or the file's path."""
    match = _VARIABLE.fullmatch(text)
    if match is not None:
        value, place = os.environ.get(match[1] or match[2], "").strip(), match[1] or match[2]
    else:
        place = text.removeprefix(FILE_PREFIX)
        value = _content(place)
    if not _HEADER_SAFE.fullmatch(value):
        return Credential(None, place, "")
    return Credential(value, None, fingerprint(value))


def fingerprint(secret: str) -> str:
    """Return eight hexadecimal digits by which an operator tells one secret from another."""
    return hashlib.sha256(secret.encode()).hexdigest()[:8]


def encrypt(secret: str) -> str:
    """Return the secret as it is stored."""
    return _cipher().encrypt(secret.encode()).decode()


def decrypt(stored: str) -> str | None:
    """Return the secret that was stored; None if no key of the gateway opens it."""
    try:
        return _cipher().decrypt(stored.encode()).decode()
    except (InvalidToken, InvalidValue):
        return None


def rotate(stored: str) -> str:
    """Return the stored secret under the newest key. Raises InvalidValue if no key opens it."""
    try:
        return _cipher().rotate(stored.encode()).decode()
    except InvalidToken as exc:
        raise InvalidValue("no key of GATEWAY_ENCRYPTION_KEYS opens the stored secret") from exc


def _cipher() -> MultiFernet:
    keys: list[str] = settings.GATEWAY_ENCRYPTION_KEYS
    if not keys:
        raise InvalidValue("a secret cannot be stored while GATEWAY_ENCRYPTION_KEYS is empty: set it, or write $NAME")
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as exc:
        raise InvalidValue("GATEWAY_ENCRYPTION_KEYS holds a key that is not 32 bytes in URL-safe base64") from exc


def _forbidden_folders() -> tuple[Path, ...]:
    """Return the folders whose files are no provider's keys: the system's, and the gateway's own secrets."""
    return (*_SYSTEM_FOLDERS, Path("/etc"), settings.VAR_DIR.resolve())


def _check_path(path: str) -> None:
    if not path.startswith("/") or not path.isprintable():
        raise InvalidValue(f"file:{path} needs a full path, such as file:/run/secrets/openai")
    if any(Path(os.path.normpath(path)).is_relative_to(folder) for folder in _forbidden_folders()):
        raise InvalidValue(f"file:{path} is a file of the system: name one that holds the provider's key")


def _content(path: str) -> str:
    """Return a file's text, "" if there is none that may be read."""
    try:
        real = Path(path).resolve(strict=True)
        if not real.is_file() or any(real.is_relative_to(folder) for folder in _forbidden_folders()):
            return ""
        with real.open("rb") as file:
            return file.read(MAX_FILE_BYTES).decode().strip()
    except (OSError, UnicodeDecodeError, ValueError):
        return ""
