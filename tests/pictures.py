"""Take the pictures of the README from a running demonstration: ``make pictures``."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import settings_for
from tests.served import environment_of, served

ROOT = Path(__file__).parents[1]
SIZE = {"width": 1100, "height": 900}


def _pathways(settings, *arguments: str) -> str:
    command = [sys.executable, "-m", "pathways.cli", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment_of(settings), cwd=ROOT)
    return done.stdout


@contextmanager
def _signed_in(chromium: Browser, links: str, address: str, role: str) -> Iterator[Page]:
    path = next(line.split("/sign-in/")[1] for line in links.splitlines() if line.strip().startswith(role))
    page = chromium.new_context(viewport=SIZE).new_page()
    page.goto(f"{address}/sign-in/{path}")
    page.get_by_role("button", name="Sign in").click()
    yield page
    page.context.close()


def take(folder: Path) -> list[Path]:
    """Take three pictures into a folder and return them."""
    with tempfile.TemporaryDirectory() as scratch:
        settings = settings_for(f"sqlite:///{scratch}/pictures.db")
        _pathways(settings, "db", "upgrade")
        _pathways(settings, "demo", "load")
        links = _pathways(settings, "demo", "links")
        with served(settings, Path(scratch) / "log") as served_at, sync_playwright() as playwright:
            address = served_at.replace("127.0.0.1", "localhost")
            chromium = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
            )
            with _signed_in(chromium, links, address, "caseworker") as page:
                page.screenshot(path=folder / "today.png")
                page.goto(f"{address}/people")
                page.locator("main a[href^='/people/J-']").first.click()
                page.get_by_role("button", name="Find places").click()
                page.locator("#match-1").wait_for()
                page.wait_for_load_state("networkidle")
                page.screenshot(path=folder / "places.png")
            with _signed_in(chromium, links, address, "lister") as page:
                page.screenshot(path=folder / "enterprise.png")
            chromium.close()
    return [folder / name for name in ("today.png", "places.png", "enterprise.png")]


if __name__ == "__main__":
    for picture in take(ROOT / "docs"):
        print(picture.relative_to(ROOT))
