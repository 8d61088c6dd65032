"""Encryption of what a store keeps of people: AES-256-GCM under a key made from the user's by scrypt."""

import hashlib
import secrets
from typing import Protocol

from ..errors import MissingDependency, StoreError

SALT_BYTES = 16
_NONCE_BYTES = 12
_SCRYPT = {"n": 2**15, "r": 8, "p": 1, "maxmem": 2**26, "dklen": 32}  # 32 MB and a tenth of a second a guess


class Seal(Protocol):
    """Turns what is kept into what is written, and back. place: what the bytes belong to."""

    def close(self, data: bytes, place: str) -> bytes: ...

    def open(self, data: bytes, place: str) -> bytes:
        """Raises StoreError for bytes of another key or place."""
        ...


class NoSeal:
    """Writes things as they are."""

    def close(self, data: bytes, place: str) -> bytes:
        return data

    def open(self, data: bytes, place: str) -> bytes:
        return data


class KeySeal:
    """Encrypts, and notices what was changed or moved to another place.

    key: of any length, as the user has it; salt: of the store. Raises MissingDependency without cryptography.
    """

    def __init__(self, key: str, salt: bytes) -> None:
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError as error:
            raise MissingDependency(
                "an encrypted store of people needs the 'people' extra: pip install 'hocket[people]'"
            ) from error
        self._cipher = AESGCM(hashlib.scrypt(key.encode(), salt=salt, **_SCRYPT))

    def close(self, data: bytes, place: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data, place.encode())

    def open(self, data: bytes, place: str) -> bytes:
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError) as error:
            raise StoreError("another key, or damaged") from error
