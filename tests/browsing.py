"""A browser without JavaScript for the tests: it keeps cookies, sends forms as a browser does and follows redirects."""

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from fastapi.testclient import TestClient

from pathways.base import Source, utc_now
from pathways.sign_in import one_time_links
from pathways.sign_in.models import SignInLinkKind
from tests.world import World

OWN = {"sec-fetch-site": "same-origin", "accept": "text/html"}


@dataclass
class Browser:
    """The pages as one person sees them."""

    client: TestClient
    world: World
    cookies: dict[str, str] = field(default_factory=dict)

    def _send(self, method: str, path: str, **options: Any) -> Any:
        self.client.cookies.clear()
        headers = {**OWN, **options.pop("headers", {})}
        if self.cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        reply = self.client.request(method, path, headers=headers, follow_redirects=False, **options)
        for one in reply.headers.get_list("set-cookie"):
            name, value = re.match(r'([^=]+)="?([^;"]*)"?', one).groups()
            if "Max-Age=0" in one:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        self.client.cookies.clear()
        return reply

    def get(self, path: str, **options: Any) -> Any:
        """Open an address and follow redirects."""
        reply = self._send("GET", path, **options)
        for _ in range(5):
            if reply.status_code not in {302, 303}:
                break
            reply = self._send("GET", reply.headers["location"])
        return reply

    def post(self, path: str, fields: dict[str, Any] | None = None, *, follow: bool = True, **options: Any) -> Any:
        """Send a form and follow the redirect."""
        reply = self._send("POST", path, data=fields or {}, **options)
        return self.get(reply.headers["location"]) if follow and reply.status_code == 303 else reply

    def link_of(self, member: str, kind: SignInLinkKind = SignInLinkKind.INVITATION, **changes: Any) -> str:
        """Make a one-time link for a member of the world and return its path."""
        actor = self.world.actors[member]
        at = utc_now()
        source = changes.get("source", Source.DEMONSTRATION)
        with self.world.database.writing(self.world.actors["operator"]) as session:
            link = one_time_links.add(
                session, actor.user_id, kind, self.world.actors["operator"].user_id, source=source, at=at
            )
            return "/" + one_time_links.path_of(link, at)

    def sign_in(self, member: str) -> Any:
        """Sign in as a member of the world and return the first page."""
        return self.post(self.link_of(member))


def text_of(page: Any) -> str:
    """Return what a page says, without its tags."""
    body = page.text[page.text.find("<body") :]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))
