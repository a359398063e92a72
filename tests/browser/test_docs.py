"""The API's own page, opened in a real browser: it lists every operation, from this service's assets alone."""

import subprocess
from pathlib import Path

import pytest

from tests.served import served

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=15000",
    "--window-size=1200,20000",  # the page draws an operation once it comes into view
    "--dump-dom",
)


@pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed: apt-get install chromium")
@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)  # the page reads no database
def test_the_page_of_the_api_lists_every_operation(stage, tmp_path):
    with served(stage.settings, tmp_path / "log") as address:
        command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={tmp_path}/profile", f"{address}/docs"]
        page = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120).stdout
    operations = sum(len(methods) for methods in stage.app.openapi()["paths"].values())
    assert page.count('class="opblock-summary-method"') == operations
    assert "/shortlists" in page
