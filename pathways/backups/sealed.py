"""Sealing a backup, so that only the private key of the recipient opens it.

A new content key is encrypted to the recipient's X25519 key (HPKE, RFC 9180). The content is encrypted in chunks with
AES-256-GCM; the nonce is the number of the chunk and whether it is the last, so no chunk can be moved or left out (the
STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizar, 2015).
"""

import hashlib
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from pathways.errors import RuleBroken

MAGIC = b"pathways sealed backup 1\n"
PURPOSE = b"pathways sealed backup"
SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
CHUNK_BYTES, TAG_BYTES, KEY_BYTES = 1 << 18, 16, 32
LONGEST_HEADER_BYTES = 4_096
MAKE_KEYS = (
    "Make a pair with: openssl genpkey -algorithm X25519 -out private.pem; openssl pkey -in private.pem -pubout"
    " -out recipient.pem"
)


class SealBroken(ValueError):
    """A sealed backup cannot be opened. The text says why, in a sentence."""


class RecipientKeyInvalid(RuleBroken):
    title = "The key of the recipient of backups cannot be used"


def recipient_of(file: Path) -> X25519PublicKey:
    """Return the public key in a PEM file; refuse a file that is missing or holds anything else."""
    try:
        key = load_pem_public_key(file.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as wrong:
        raise RecipientKeyInvalid(
            f"PATHWAYS_BACKUP_RECIPIENT: {file} cannot be read as a public key in PEM form. {MAKE_KEYS}"
        ) from wrong
    if not isinstance(key, X25519PublicKey):
        raise RecipientKeyInvalid(f"PATHWAYS_BACKUP_RECIPIENT: {file} is not an X25519 key. {MAKE_KEYS}")
    return key


def private_key_of(file: Path, ask: Callable[[], str]) -> X25519PrivateKey:
    """Return the private key in a PEM file. ``ask`` returns the passphrase if the key has one."""
    try:
        content = file.read_bytes()
        try:
            key = load_pem_private_key(content, None)
        except TypeError:  # the key has a passphrase
            key = load_pem_private_key(content, ask().encode())
    except (OSError, ValueError, UnsupportedAlgorithm) as wrong:
        raise RecipientKeyInvalid(
            f"{file} cannot be read as a private key in PEM form with this passphrase. Check --private-key."
        ) from wrong
    if not isinstance(key, X25519PrivateKey):
        raise RecipientKeyInvalid(f"{file} is not an X25519 key. Check --private-key.")
    return key


def recipient_id(key: X25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


class SealingWriter:
    """A file that encrypts what is written to it. It cannot seek. ``finish`` writes the last chunk."""

    def __init__(self, file: BinaryIO, recipient: X25519PublicKey, keys: Mapping[str, str]) -> None:
        content_key = os.urandom(KEY_BYTES)
        header = {
            "recipient": recipient_id(recipient),
            "content_key": b64encode(SUITE.encrypt(content_key, recipient, PURPOSE)).decode(),
            "keys_needed": dict(keys),
        }
        self._header = MAGIC + json.dumps(header).encode() + b"\n"
        self._file, self._cipher = file, AESGCM(content_key)
        self._buffer, self._number = bytearray(), 0
        file.write(self._header)

    def write(self, content: bytes) -> int:
        self._buffer += content
        while len(self._buffer) > CHUNK_BYTES:  # the last chunk stays, because it is marked as the last
            self._write_chunk(bytes(self._buffer[:CHUNK_BYTES]), is_last=False)
            del self._buffer[:CHUNK_BYTES]
        return len(content)

    def flush(self) -> None:
        self._file.flush()

    def finish(self) -> None:
        self._write_chunk(bytes(self._buffer), is_last=True)

    def _write_chunk(self, chunk: bytes, *, is_last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, is_last=is_last), chunk, self._header))
        self._number += 1


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def is_sealed(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(MAGIC)) == MAGIC


def unseal(file: Path, key: X25519PrivateKey, to: BinaryIO) -> None:
    """Decrypt a sealed backup; raise ``SealBroken`` if it is for another key, or was altered or cut off."""
    with file.open("rb") as sealed:
        header = sealed.readline(len(MAGIC)) + sealed.readline(LONGEST_HEADER_BYTES)
        cipher = AESGCM(_content_key(header, key))
        chunk, number = sealed.read(CHUNK_BYTES + TAG_BYTES), 0
        while True:
            following = sealed.read(CHUNK_BYTES + TAG_BYTES)
            try:
                to.write(cipher.decrypt(_nonce(number, is_last=not following), chunk, header))
            except InvalidTag as broken:
                raise SealBroken("it was altered or is incomplete.") from broken
            if not following:
                return
            chunk, number = following, number + 1


def _content_key(header: bytes, key: X25519PrivateKey) -> bytes:
    try:
        found = json.loads(header.removeprefix(MAGIC))
        wrapped, recipient = b64decode(found["content_key"], validate=True), str(found["recipient"])
    except (ValueError, KeyError, TypeError) as malformed:
        raise SealBroken("it was altered or is incomplete.") from malformed
    own = recipient_id(key.public_key())
    if recipient != own:
        raise SealBroken(f"it is sealed to the key {recipient[:16]}, and --private-key is {own}.")
    try:
        content_key = SUITE.decrypt(wrapped, key, PURPOSE)
    except (InvalidTag, ValueError) as broken:
        raise SealBroken("it was altered or is incomplete.") from broken
    if len(content_key) != KEY_BYTES:
        raise SealBroken("it was altered or is incomplete.")
    return content_key
