"""Schemathesis from its command line against a served instance, as several members of several organisations."""

import json
import subprocess
import sys
from pathlib import Path

from tests.world import World

# Members of three roles in three organisations who must never read each other's rows.
PEERS = ("caseworker", "other_manager", "lister")
OTHERS = ("operator", "manager", "referrer", "commissioner", "administrator", "auditor")
# A key that comes again with another body is 422 by contract, so each generated request has a key of its own.
HOOKS = """
import uuid

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = uuid.uuid4().hex
"""
CONFIG = """
hooks = "{folder}/hooks.py"

[auth.wfc]
path = "{folder}/auth.json"
peers = [{peers}]

[checks.positive_data_acceptance]
expected-statuses = ["2xx", 401, 403, 404, 409, 412, 428, 429]

[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 429]

[checks.missing_required_header]
expected-statuses = [400, 401, 403, 404, 406, 409, 412, 422, 428]
"""


def run(
    world: World, address: str, folder: Path, *, examples: int, seed: int, phases: str
) -> subprocess.CompletedProcess[str]:
    """Fuzz every operation with all checks, stateful too; the report stands in what is returned."""
    entries = [
        {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {world.secrets[name]}"}]}
        for name in (*PEERS, *OTHERS)
    ]
    (folder / "auth.json").write_text(json.dumps({"auth": entries}))
    config = CONFIG.format(folder=folder, peers=", ".join(f'"{name}"' for name in PEERS))
    (folder / "schemathesis.toml").write_text(config)
    (folder / "hooks.py").write_text(HOOKS)
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        "--config-file",
        str(folder / "schemathesis.toml"),
        "run",
        f"{address}/openapi.json",
        "--checks",
        "all",
        "--phases",
        phases,
        "--max-examples",
        str(examples),
        "--seed",
        str(seed),
        "--no-shrink",
        "--continue-on-failure",
        "--suppress-health-check",
        "all",
        "--request-timeout",  # finds what hangs; how fast replies are is measured in benchmarks/
        "60",
        "--max-response-time",
        "60",
    ]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder, timeout=3600)
