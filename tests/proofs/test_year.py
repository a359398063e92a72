"""The demonstration borough day by day through ``daily``: twice a day and once with a week missed it ends the same."""

import os
from collections import Counter
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from pathways import consistency, daily
from pathways.access.models import User
from pathways.base import LONDON, Actor, Role, Source
from pathways.demo import borough
from pathways.introductions.models import Introduction
from pathways.messages.models import Notice
from pathways.messages.sending import Sender
from pathways.organisations import actions as organisation_actions
from pathways.placements.models import Place, Placement
from pathways.referrals.models import Referral
from tests.conftest import Stage, settings_for

IS_FULL = bool(os.environ.get("PATHWAYS_PROVE"))
DAYS, PEOPLE, PLACEMENTS = (365, 160, 48) if IS_FULL else (28, 8, 6)
START = date(2025, 9, 1)
MISSED = [START + timedelta(days=DAYS // 2 + n) for n in range(7)]


class Run:
    """One telling of the borough's history, with ``daily`` so often a day, and what came of it."""

    def __init__(self, stage: Stage, times: int, missed: list[date]) -> None:
        stage.reset()
        self.database = stage.database
        self.letters: list[str] = []
        self.done: Counter[str] = Counter()
        self.at = datetime.combine(START, time(0), LONDON)
        self.sender = Sender(stage.database, settings_for("sqlite://"), self._take, lambda: self.at)

        def evening(day: date) -> None:
            for _ in range(times if day not in missed else 0):
                self.done += daily.run(self.database, self.operator(), datetime.combine(day, time(20), LONDON))
                self.at = datetime.combine(day, time(23), LONDON)
                self.sender.send_due()

        borough.load(
            stage.database,
            start=START,
            end=START + timedelta(days=DAYS - 1),
            jobseekers=PEOPLE,
            placements=PLACEMENTS,
            seed=4,
            progress=evening,
        )
        with self.database.reading() as session:
            assert consistency.faults(session) == []
            self.ends = self._ends(session)
            self.told = self._told(session)

    def _take(self, message: Any) -> None:
        self.letters.append(str(message["Message-ID"]))

    def operator(self) -> Actor:
        first = Actor(UUID(int=0), UUID(int=0), Role.OPERATOR, source=Source.COMMAND_LINE)
        with self.database.writing(None) as session:
            return organisation_actions.make_operator(session, first)

    def _ends(self, session: Any) -> Counter[tuple[str, ...]]:
        """What stands, by names that are the same in every telling; ids and instants are not."""
        refs = {row.jobseeker_id: row.ref for row in session.scalars(select(Referral).order_by(Referral.id.desc()))}
        listings = {row.id: row for row in session.scalars(select(Placement))}
        found = Counter(
            ("introduction", refs[row.jobseeker_id], listings[row.placement_id].ref, row.state.value)
            for row in session.scalars(select(Introduction))
        )
        found.update(("placement", row.ref, row.state.value) for row in listings.values())
        found.update(
            ("place", listings[row.placement_id].ref, row.state.value) for row in session.scalars(select(Place))
        )
        return found

    def _told(self, session: Any) -> Counter[tuple[str, str, str]]:
        mails = {row.id: row.email for row in session.scalars(select(User))}
        return Counter((row.kind.value, mails[row.user_id], row.subject) for row in session.scalars(select(Notice)))


@pytest.fixture
def runs(stage: Stage) -> dict[str, Run]:
    return {
        "once a day": Run(stage, 1, []),
        "twice a day": Run(stage, 2, []),
        "a week missed": Run(stage, 1, MISSED),
    }


@pytest.mark.long_test("sqlite")
def test_twice_a_day_or_with_a_week_missed_it_ends_the_same_and_nothing_is_sent_twice(
    stage: Stage, runs: dict[str, Run]
):
    once, twice, missed = runs["once a day"], runs["twice a day"], runs["a week missed"]
    for name, run in runs.items():
        assert len(run.letters) == len(set(run.letters)), name
        print(
            f"{stage.backend}, {name}: {dict(run.done)}, {len(run.letters)} letters, {sum(run.told.values())} notices"
        )
    assert twice.ends == once.ends
    assert twice.told == once.told
    assert len(twice.letters) == len(once.letters)
    assert missed.ends == once.ends
