"""An organisation's own sign-in for the tests: an OpenID provider on the loopback, with its keys, codes and tokens."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, SECRET = "pathways-test", "a secret of the test"


@dataclass
class OpenProvider:
    """What the provider knows: its key, who signs in next, and what it has been asked."""

    address: str = ""
    key: Any = field(default_factory=lambda: RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True))
    who: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)  # what a token says that it should not
    asked: dict[str, Any] = field(default_factory=dict)  # the last request for a sign-in
    signs_with: Any = None  # another key than the one that is published
    is_down: bool = False
    unsigned: bool = False

    def sign_in(self, address: str, **who: Any) -> str:
        """Sign somebody in at the page of the provider, and return where the browser is sent back to."""
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        self.who = who
        return f"{self.asked['redirect_uri']}?code=one-code&state={self.asked['state']}"

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if form["code"] != "one-code" or challenge.decode() != self.asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.address,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": self.asked["nonce"],
            **self.who,
            **self.changes,
        }
        if self.unsigned:
            parts = ({"alg": "none"}, claims)
            text = ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in parts)
            return 200, {"access_token": "a", "token_type": "Bearer", "id_token": f"{text}."}
        key = self.signs_with or self.key
        signed = jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, key)
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": signed}


@contextmanager
def open_provider() -> Iterator[OpenProvider]:
    """Run a provider on a free port of the loopback."""
    provider = OpenProvider()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

        def _say(self, status: int, answer: dict[str, Any]) -> None:
            body = json.dumps(answer).encode()
            self.send_response(503 if provider.is_down else status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            if self.path.endswith("/.well-known/openid-configuration"):
                about = {name: f"{provider.address}/{name}" for name in ("authorization_endpoint", "token_endpoint")}
                self._say(200, {"issuer": provider.address, "jwks_uri": f"{provider.address}/keys", **about})
            else:
                self._say(200, {"keys": [provider.key.as_dict(private=False)]})

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            self._say(*provider.token({name: values[0] for name, values in form.items()}))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield provider
    server.shutdown()
    server.server_close()
