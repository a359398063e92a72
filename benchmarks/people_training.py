"""Learn the linkage parameters that come with the package: ``python -m benchmarks.people_training``.

They are learnt from a made-up town, so they contain no data of real people. The frequencies of names are left out,
because the service counts names among its own jobseekers.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from benchmarks.people_population import twice
from matching.people.learning import learn
from matching.people.linkage import SHIPPED

PEOPLE, KNOWN, SEED = 60_000, 0.1, 11


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    options = parser.parse_args(arguments)
    records, _ = twice(PEOPLE, KNOWN, SEED)
    manifest = {
        "made_of": f"a made-up town of {PEOPLE} people, {KNOWN:.0%} of them recorded twice, seed {SEED}; no labels",
        "made_on": date.today().isoformat(),  # noqa: DTZ011 - a day
        "records": len(records),
    }
    model, _ = learn(records, manifest=manifest)
    options.out.write_bytes(replace(model, given_shares={}, family_shares={}).saved() + b"\n")
    print(f"{options.out}: {len(records)} records, {model.shares}")


if __name__ == "__main__":
    main()
