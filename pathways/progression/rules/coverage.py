"""Finds which of the days that a verdict depends on are not covered by evidence."""

from collections.abc import Iterable
from datetime import timedelta

from pathways.progression.rules.facts import Stretch, joined


def uncovered(rests: Iterable[Stretch], covers: Iterable[Stretch]) -> list[Stretch]:
    """Return the days in the stretches ``rests`` that are in none of the stretches ``covers`` of the same spell."""
    covered = list(covers)
    missing = []
    for rest in rests:
        same_spell = joined(rest.spell_id, ((c.first_on, c.last_on) for c in covered if c.spell_id == rest.spell_id))
        day = rest.first_on
        for cover in same_spell:
            if cover.last_on < day or cover.first_on > rest.last_on:
                continue
            if cover.first_on > day:
                missing.append(Stretch(rest.spell_id, day, cover.first_on - timedelta(days=1)))
            day = cover.last_on + timedelta(days=1)
        if day <= rest.last_on:
            missing.append(Stretch(rest.spell_id, day, rest.last_on))
    return missing
