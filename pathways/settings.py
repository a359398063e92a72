"""What a deployment may set, read once at start and passed in."""

import secrets
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

VAR = Path("var")
SECRETS_FILE = VAR / "secrets.env"
DEFAULT_DATABASE_URL = "sqlite:///var/pathways.db"


class Settings(BaseSettings):
    """Every setting is an environment variable ``PATHWAYS_<NAME>``; the README lists them."""

    model_config = SettingsConfigDict(env_prefix="PATHWAYS_", env_file=SECRETS_FILE, frozen=True, extra="ignore")

    database_url: str = DEFAULT_DATABASE_URL
    reader_url: str | None = None
    environment: Literal["development", "production"] = "development"
    encryption_key: SecretStr
    hash_key: SecretStr
    # One connection for each worker thread, so that a thread never waits for a connection another thread holds.
    worker_threads: int = Field(default=40, ge=1)
    max_body_bytes: int = 1_000_000
    max_upload_bytes: int = 64_000_000
    # A spreadsheet is a zip: it may open to at most this many bytes.
    max_unpacked_bytes: int = 512_000_000
    # Documents of evidence: where they are kept, how large one may be, what scans it before (a command, by spaces).
    documents: str = "var/documents"
    max_document_bytes: int = 10_000_000
    scan_command: str | None = None
    reference_folder: Path | None = None
    # Certificates of commissioners, REFERENCE.pem each: files of claims are sealed for whoever has one there.
    recipient_certificates: Path | None = None
    # Where people open what a notice is about, and who an e-mail is from; without a mail server it is printed.
    public_url: str = "http://127.0.0.1:8000"
    mail_from: str = "pathways@example.org"
    smtp_host: str | None = None
    smtp_port: int = 587
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @model_validator(mode="after")
    def _a_replica_is_of_postgresql(self) -> Self:
        if self.reader_url and not (
            self.database_url.startswith("postgres") and self.reader_url.startswith("postgres")
        ):
            message = "PATHWAYS_READER_URL is a replica of a PostgreSQL database; SQLite has none. Leave it out."
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _keys_are_long_enough(self) -> Self:
        for name in ("encryption_key", "hash_key"):
            if len(getattr(self, name).get_secret_value()) < 32:  # noqa: PLR2004 - 32 characters are 192 bits at least
                message = f"PATHWAYS_{name.upper()} must have at least 32 characters."
                raise ValueError(message)
        return self


def write_first_secrets() -> bool:
    """Write fresh keys for this folder, readable by its owner only; say whether there were none before."""
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
