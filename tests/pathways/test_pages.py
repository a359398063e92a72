"""What all pages share: headers, static files, and templates in which nothing that somebody typed becomes markup."""

import re
from pathlib import Path

import brotli
import pytest
from jinja2 import UndefinedError

from pathways.pages import shell

TEMPLATES = sorted((Path(shell.__file__).parent / "templates").rglob("*.html"))
STYLES = (shell.STATIC / "pathways.css").read_text(encoding="utf-8")


def test_a_page_has_one_policy_and_no_code_of_its_own(client):
    page = client.get("/decide/nobody")
    policies = page.headers.get_list("content-security-policy")
    assert len(policies) == 1
    assert "unsafe" not in policies[0]
    assert "default-src 'none'" in policies[0]
    assert page.headers["cache-control"] == "no-store"
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page.text)


def test_every_asset_of_a_page_is_there_and_comes_from_this_service(client):
    page = client.get("/decide/nobody").text
    assets = re.findall(r'(?:href|src)="(/[^"]+)"', page)
    assert len(assets) == 3
    for address in assets:
        assert client.get(address).status_code == 200, address
    assert "http://" not in page
    assert "https://" not in page


def test_nothing_looks_official():
    for mark in ("GDS Transport", "@font-face", "crest", "crown"):
        assert mark not in STYLES
    assert "Arial" in STYLES


def test_the_licence_of_what_is_shipped_lies_beside_it():
    assert "MIT License" in (shell.STATIC / "LICENSE-govuk-frontend").read_text(encoding="utf-8")
    assert any(shell.STATIC.glob("govuk-frontend-*.min.js"))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_lets_text_through_as_markup(template: Path):
    text = template.read_text(encoding="utf-8")
    assert "safe" not in re.findall(r"\|\s*(\w+)", text)
    blocks = set(re.findall(r"{%-?\s*set (\w+)\s*-?%}", text))
    for value in re.findall(r"""["']html["']\s*:\s*([^,}]+)""", text):
        assert value.strip() in blocks, value  # made by a block, in which all text is escaped


def test_what_somebody_typed_is_text_and_a_missing_name_is_an_error():
    page = shell.message("A <b>title</b>", "<script>alert(1)</script>").body.decode()
    assert "<b>" not in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    with pytest.raises(UndefinedError):
        shell.page("message", "A title")
    with pytest.raises(FileNotFoundError):
        shell.asset("nothing.css")


def test_an_error_leads_to_its_field_and_is_named_in_the_title():
    faults = shell.errors_at({"event": "Choose one of the answers"})
    page = shell.page("message", "A title", 422, text="Text", errors=faults).body.decode()
    assert "<title>Error: A title - Pathways</title>" in page
    assert '<a href="#event">Choose one of the answers</a>' in page


def test_what_is_sent_compressed_is_what_is_there(client):
    for path in shell.STATIC.glob("*.*s"):
        packed = path.with_name(f"{path.name}.br")
        assert brotli.decompress(packed.read_bytes()) == path.read_bytes(), f"{path.name}: run make styles"
        reply = client.get(f"/assets/{path.name}", headers={"accept-encoding": "gzip, br"})
        assert reply.headers["content-encoding"] == "br"
        assert reply.headers["content-type"].startswith("text/")
        assert (
            "content-encoding" not in client.get(f"/assets/{path.name}", headers={"accept-encoding": "br;q=0"}).headers
        )


def test_the_first_visit_is_small(browse, client):
    browser = browse("caseworker")
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    page = client.get("/", headers={"accept-encoding": "br", "cookie": cookies})
    assert page.headers["content-encoding"] == "br"
    assets = sum(path.stat().st_size for path in shell.STATIC.glob("*.br"))
    assert int(page.headers["content-length"]) + assets < 60_000
