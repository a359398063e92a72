"""Settings of a deployment: environment variables, read once at the start and passed on."""

import difflib
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

VAR = Path("var")
SECRETS_FILE = VAR / "secrets.env"
DEFAULT_DATABASE_URL = "sqlite:///var/pathways.db"
PREFIX = "PATHWAYS_"
FEWEST_KEY_BYTES = 24  # what 32 characters of base64 decode to
# The beginnings of variables for the tests and benchmarks, not for the service: see docs/testing.md.
OTHER_VARIABLES = ("PATHWAYS_PLAIN_PASSES", "PATHWAYS_PROVE", "PATHWAYS_BENCH_")
# Variables that container platforms add for a service named "pathways": PATHWAYS_SERVICE_HOST, PATHWAYS_PORT_80_TCP.
LINK_OF_A_CONTAINER = re.compile(r"PATHWAYS_(SERVICE_(HOST|PORT(_.+)?)|PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?)")


class Settings(BaseSettings):
    """Every setting is an environment variable ``PATHWAYS_<NAME>``; docs/settings.md is made from these fields."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=SECRETS_FILE, frozen=True, extra="ignore")

    database_url: str = Field(
        default=DEFAULT_DATABASE_URL,
        description="The database: SQLite for one process, PostgreSQL (`postgresql://…`) for production.",
    )
    reader_url: str | None = Field(
        default=None, description="A streaming replica of the PostgreSQL database. If set, it answers read requests."
    )
    environment: Literal["development", "production"] = Field(
        default="development",
        description="In `production`, both keys must be set, and values reserved for tests are refused.",
    )
    encryption_key: SecretStr = Field(
        description="Encrypts NI and NHS numbers (AES-256-GCM). At least 32 characters. Losing it loses the numbers."
    )
    hash_key: SecretStr = Field(
        description="Makes hashes to look up encrypted values (HMAC-SHA256). At least 32 characters. Never change it."
    )
    # One connection for each worker thread, so that a thread never waits for a connection another thread holds.
    worker_threads: int = Field(
        default=40, ge=1, description="The number of threads that answer requests. Each has one database connection."
    )
    max_body_bytes: int = Field(default=1_000_000, description="The largest request body that is accepted, in bytes.")
    max_upload_bytes: int = Field(default=64_000_000, description="The largest accepted upload, in bytes.")
    # A spreadsheet is a zip file, so a small file may unpack to a very large one.
    max_unpacked_bytes: int = Field(default=512_000_000, description="The largest unpacked workbook, in bytes.")
    documents: str = Field(
        default="var/documents",
        description="Where documents of evidence are stored, encrypted: a folder, or `s3://bucket/prefix` with the "
        "usual AWS variables.",
    )
    max_document_bytes: int = Field(default=10_000_000, description="The largest document of evidence, in bytes.")
    scan_command: str | None = Field(
        default=None,
        description="A command that scans a document on its standard input before it is stored: exit code 0 is clean, "
        "1 is infected.",
    )
    reference_folder: Path | None = Field(
        default=None, description="A folder whose CSV files replace the shipped reference tables of the same name."
    )
    vectors: Path = Field(
        default=VAR / "vectors",
        description="A folder for the optional sentence model's vectors of skills and occupations, which `pathways "
        "reference make-vectors` computes. Several processes may share it.",
    )
    recipient_certificates: Path | None = Field(
        default=None,
        description="A folder with an X.509 certificate `REFERENCE.pem` (RSA) for each commissioner whose claims files "
        "are to be encrypted.",
    )
    backup_recipient: Path | None = Field(
        default=None,
        description="A PEM file with an X25519 public key. If set, `pathways db backup` seals every backup, so that "
        "only the private key opens it.",
    )
    public_url: str = Field(
        default="http://127.0.0.1:8000", description="The address that links in e-mails begin with."
    )
    trusted_proxies: str = Field(
        default="",
        description="The addresses or networks of your reverse proxies, separated by commas, such as `10.0.0.5, "
        "10.1.0.0/16`. Only from these are the headers X-Forwarded-For and X-Forwarded-Proto believed. If empty, none "
        "is, and the access log has the address from which the connection came.",
    )
    mail_from: str = Field(default="pathways@example.org", description="The sender of e-mails.")
    smtp_host: str | None = Field(
        default=None, description="The mail server (STARTTLS). Without one, e-mails are printed and not sent."
    )
    smtp_port: int = Field(default=587, description="The mail server's port.")
    smtp_user: str | None = Field(default=None, description="The user name for the mail server.")
    smtp_password: SecretStr | None = Field(default=None, description="The password for the mail server.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The lowest level that is logged: `debug`, `info`, `warning` or `error`."
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_addresses(cls, text: str) -> str:
        for one in filter(None, map(str.strip, text.split(","))):
            try:
                network = ip_network(one)
            except ValueError:
                message = f"PATHWAYS_TRUSTED_PROXIES has {one}, which is neither an address nor a network."
                raise ValueError(message) from None
            if network.prefixlen == 0:
                message = "PATHWAYS_TRUSTED_PROXIES would believe everybody. Name the addresses of your proxies."
                raise ValueError(message)
        return text

    @model_validator(mode="after")
    def _a_replica_is_of_postgresql(self) -> Self:
        if self.reader_url and not (
            self.database_url.startswith("postgres") and self.reader_url.startswith("postgres")
        ):
            message = "PATHWAYS_READER_URL names a replica of a PostgreSQL database. Remove it, or use PostgreSQL."
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _keys_are_long_enough(self) -> Self:
        for name in ("encryption_key", "hash_key"):
            if len(getattr(self, name).get_secret_value()) < 32:  # noqa: PLR2004 - 32 characters are 192 bits at least
                message = f"PATHWAYS_{name.upper()} must have at least 32 characters."
                raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _the_encryption_key_can_be_decoded(self) -> Self:
        # Characters outside the alphabet are passed over, so 32 of them would be an empty key.
        try:
            decoded = urlsafe_b64decode(self.encryption_key.get_secret_value().encode() + b"==")
        except ValueError:
            decoded = b""
        if len(decoded) < FEWEST_KEY_BYTES:
            message = "PATHWAYS_ENCRYPTION_KEY must be at least 32 letters, digits, - and _ (URL-safe base64)."
            raise ValueError(message)
        return self


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Return one sentence for each variable ``PATHWAYS_…`` that is not a setting, for instance a misspelt one."""
    names = [PREFIX + name.upper() for name in Settings.model_fields]
    wrong = []
    for variable in sorted(name.upper() for name in environment):  # settings are read without regard to case
        if not variable.startswith(PREFIX) or variable.startswith(OTHER_VARIABLES) or variable in names:
            continue
        if LINK_OF_A_CONTAINER.fullmatch(variable):
            continue
        near = difflib.get_close_matches(variable, names, n=1, cutoff=0.8)
        wrong.append(f"{variable} is not a setting." + (f" Did you mean {near[0]}?" if near else " Remove it."))
    return wrong


def write_first_secrets() -> bool:
    """Write new keys to a file that only its owner can read. Return False if the file existed already."""
    if SECRETS_FILE.exists():
        return False
    VAR.mkdir(mode=0o700, exist_ok=True)
    lines = [
        f"PATHWAYS_{name}={urlsafe_b64encode(secrets.token_bytes(32)).decode()}"
        for name in ("ENCRYPTION_KEY", "HASH_KEY")
    ]
    SECRETS_FILE.touch(mode=0o600)
    SECRETS_FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return True
