"""Schemathesis against a served instance: small in `make test`, two hundred cases an operation in `make prove`."""

import re

import pytest

from pathways.progression import actions as progression_actions
from pathways.progression import evidence
from pathways.progression.schemas import NewEvidence, NewSpell
from tests.contract import fuzz
from tests.pathways.test_places import introduced
from tests.served import served


def prepare(world):
    person, enrolment = world.supported()
    placement = world.list_placement()
    world.permit(person)
    introduced(world, 1, placement)
    actor = world.on("caseworker")
    with world.database.writing(actor) as session:
        new = NewSpell(enrolment_id=enrolment, kind="JOB_OPEN", title="Cafe Assistant", started_on=actor.today)
        spell = progression_actions.start(session, actor, new)
        item = NewEvidence(
            spell_id=spell.id,
            kind="payslip",
            covers_from=actor.today,
            covers_to=actor.today,
            received_on=actor.today,
            obtained_how="copies",
        )
        evidence.add_evidence(session, actor, item)
    world.refer(by="other_referrer", to="other_partner", given_name="Ben")


@pytest.mark.long_test("postgresql")
def test_a_short_fuzzing_finds_nothing(stage, world, tmp_path):
    prepare(world)
    with served(stage.settings, tmp_path / "log") as address:
        done = fuzz.run(world, address, tmp_path, examples=2, seed=1, phases="fuzzing,stateful")
    assert done.returncode == 0, done.stdout[-6000:]
    # Without a mail server e-mails are printed; anything else would be a fault that was logged.
    printed = re.sub(r"-- e-mail .*?who this is about\.\n\n", "", (tmp_path / "log").read_text(), flags=re.DOTALL)
    assert re.fullmatch(r"Pathways listens on http://127\.0\.0\.1:\d+ .*\n", printed)


@pytest.mark.full_size
def test_two_hundred_cases_an_operation_find_nothing(stage, world, tmp_path):
    prepare(world)
    with served(stage.settings, tmp_path / "log") as address:
        done = fuzz.run(world, address, tmp_path, examples=170, seed=20261122, phases="coverage,fuzzing,stateful")
    figures = re.search(r"(\d+) generated", done.stdout)
    operations = re.search(r"(\d+) selected / \d+ total", done.stdout)
    assert figures
    assert operations
    each = int(figures.group(1)) / int(operations.group(1))
    print(
        f"\nschemathesis on {stage.backend}: {figures.group(1)} cases, {each:.0f} an operation; exit {done.returncode}"
    )
    assert done.returncode == 0, done.stdout[-12000:]
    assert each >= 200
