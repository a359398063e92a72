"""Encryption of personal data at rest, and keyed hashes to look up identifiers such as NI and NHS numbers."""

import hashlib
import hmac
from base64 import b64decode, b64encode, urlsafe_b64decode
from os import urandom

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12  # NIST SP 800-38D, section 5.2.1.1
KEY_ID = "k1"
CHECK_BYTES = 16  # 128 bits: two keys with the same check value do not occur by accident
ID_CHARACTERS = 8


class Vault:
    """Encrypts values that must be read again (AES-256-GCM); hashes values that are only looked up (HMAC-SHA256)."""

    def __init__(self, encryption_key: str, hash_key: str) -> None:
        self._encryption_key = hashlib.sha256(urlsafe_b64decode(encryption_key.encode() + b"==")).digest()
        self._cipher = AESGCM(self._encryption_key)
        self._hash_key = hash_key.encode()

    def seal(self, text: str, *, place: str) -> str:
        """Encrypt a text. ``place`` (table, column and row) is authenticated: the value decrypts only there."""
        nonce = urandom(NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, text.encode(), place.encode())
        return f"v1:{KEY_ID}:{b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, *, place: str) -> str:
        """Decrypt a text. Raise ``ValueError`` if the key or ``place`` differs from the one used in ``seal``."""
        raw = b64decode(sealed.rsplit(":", 1)[1])
        try:
            return self._cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place.encode()).decode()
        except InvalidTag as broken:
            message = f"The value at {place} cannot be decrypted with this key."
            raise ValueError(message) from broken

    def seal_bytes(self, content: bytes, *, place: str) -> bytes:
        """Encrypt a document. ``place`` is authenticated."""
        nonce = urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, place.encode())

    def open_bytes(self, sealed: bytes, *, place: str) -> bytes:
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode())
        except InvalidTag as broken:
            message = f"The document at {place} cannot be decrypted with this key."
            raise ValueError(message) from broken

    def fingerprint(self, kind: str, text: str) -> str:
        """Return the keyed hash of a text, by which it is looked up among texts of the same kind."""
        return hmac.new(self._hash_key, f"{kind}:{text}".encode(), hashlib.sha256).hexdigest()

    def check_values(self, salt: bytes) -> dict[str, str]:
        """Return a check value of each key, by the name of its setting, by which another key can be recognised.

        A check value is derived from the key with HKDF-SHA256 (RFC 5869), so the key cannot be computed from it, and
        values of the same key under different salts cannot be linked.
        """
        keys = {"encryption_key": self._encryption_key, "hash_key": self._hash_key}
        return {name: _derived(key, salt, f"pathways check value of {name}").hex() for name, key in keys.items()}

    def authentication_code(self, content: bytes) -> str:
        """Return the code by which a manifest is recognised that somebody without the encryption key has altered."""
        key = _derived(self._encryption_key, b"", "pathways authentication of manifests")
        return hmac.new(key, content, hashlib.sha256).hexdigest()


def _derived(key: bytes, salt: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), CHECK_BYTES, salt, purpose.encode()).derive(key)


def key_id(check_value: str) -> str:
    """Return the short name of a key for people: the beginning of its check value."""
    return check_value[:ID_CHARACTERS]
