"""Make up a referral file as offices send it: with people of a made-up town, some wrong rows and some repeated rows."""

import csv
import io
import random
from datetime import date, timedelta

from benchmarks.people_population import people

HEADER = (
    *("Referral reference", "Source", "Organisation", "Date referred", "First name", "Surname", "DOB", "NI number"),
    *("NHS no", "Mobile", "Email address", "Post code", "Job goals", "Skills", "Max hours wk", "Available", "Travel"),
    "Right to work",
)
GOALS = ("cafe; catering", "gardening", "warehouse", "retail; shop work", "cleaning", "office")
SKILLS = ("customer care", "team work; lifting", "cooking", "first aid; driving", "typing")


def referral_file(count: int, *, organisation: str = "Hendon Jobcentre", seed: int = 0) -> bytes:
    """Return a CSV file with ``count`` rows. About 3 % of the rows are wrong and 1 % repeat the row before."""
    drawn = random.Random(seed)
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(HEADER)
    before: list[str] = []
    for person in people(count, seed):
        chance = drawn.random()
        if before and chance < 0.01:
            writer.writerow(before)
            continue
        born = f"{person.born:%d/%m/%Y}" if chance > 0.02 else "31/02/2001"
        row = [
            f"R{person.number:06d}",
            "JCP" if chance > 0.03 else "jobcentre",
            organisation,
            (date(2026, 9, 1) + timedelta(days=drawn.randrange(60))).isoformat(),
            person.given,
            person.family if chance > 0.04 else "",
            born,
            person.nino if drawn.random() < 0.6 else "",
            f"999 {person.number % 1000:03d} {person.number % 10_000:04d}" if drawn.random() < 0.3 else "",
            person.phone if drawn.random() < 0.8 else "",
            person.email if drawn.random() < 0.5 else "",
            person.postcode,
            drawn.choice(GOALS),
            drawn.choice(SKILLS),
            drawn.choice(("16", "20", "37.5", "")),
            drawn.choice(("mon am; tue am", "wed all day", "")),
            drawn.choice(("bus", "bus; walk", "")),
            drawn.choice(("unrestricted", "unknown", "")),
        ]
        writer.writerow(row)
        before = row
    return out.getvalue().encode()
