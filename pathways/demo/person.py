"""One made-up jobseeker, from referral to the end of support."""

import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from pathways.base import Actor
from pathways.claims import actions as claim_actions
from pathways.claims.models import Claim, ClaimEvent
from pathways.claims.schemas import Declaration, NewClaim
from pathways.database import WriteSession
from pathways.demo.cast import Borough, Step
from pathways.enrolments import actions as enrolment_actions
from pathways.enrolments.models import EndReason, Enrolment, EnrolmentState
from pathways.enrolments.schemas import EnrolmentChange, EnrolmentEnding, NewEnrolment
from pathways.introductions import actions as introduction_actions
from pathways.introductions.models import Introduction, IntroductionEvent, IntroductionState, WhyNot
from pathways.introductions.schemas import DbsCheckSeen, NewIntroduction, StartedOn
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import contacts, monitoring, profile, sharing
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import ContactHow, ContactOutcome, ContactWith, Jobseeker, JobseekerEvent
from pathways.jobseekers.schemas import (
    EthnicGroup,
    NewContact,
    NewMonitoring,
    NewPermission,
    NewProfile,
    Sex,
    YesNo,
)
from pathways.placements.models import DbsLevel, Placement
from pathways.progression import actions as progression_actions
from pathways.progression import evidence, outcomes, starting
from pathways.progression import queries as progression_queries
from pathways.progression.models import EvidenceKind, Spell, SpellEnd, SpellState
from pathways.progression.schemas import EvidenceVerdict, NewEvidence, NewHours, NewOutcome, SpellEnding
from pathways.referrals import actions as referral_actions
from pathways.referrals.models import Referral, ReferralEvent
from pathways.referrals.schemas import NewReferral
from pathways.shortlists import actions as shortlist_actions
from pathways.shortlists import index as shortlist_index
from pathways.support import actions as support_actions
from pathways.support import queries as support_queries
from pathways.support.models import InWork, PathBack, ReportedBy
from pathways.support.schemas import NewCheckIn, NewPlan, PlanStep

WEEKS = ("mon am; mon pm; tue am; tue pm", "mon all day; wed all day; fri all day", "tue am; wed am; thu am; fri am")

GIVEN = (
    "Amina Ben Carys Dev Ewa Femi Grace Hassan Iona Jamal Kasia Liam Maya Noor Owen Priya Rhys Sana Tomas Uma".split()
)


FAMILY = (
    "Ahmed Brown Clarke Davies Evans Farah Green Hughes Iqbal Jones Khan Lewis Morgan Nowak Okoro Patel Reid".split()
)


POSTCODES = ("NW9 5QN", "N12 8QA", "HA8 6AB", "N3 2AA", "NW4 4BT", "EN5 1AA", "N11 3AA", "NW7 2AA", "N2 8AA", "NW2 1AA")


SKILLS = (
    "gardening;team work;cooking;making coffee;cleaning;stacking shelves;caring for my nan;excel basics;"
    "talking to customers;lifting and carrying;sewing;bike repair;filing;answering phones;using a till"
).split(";")


WISHES = "cafe;kitchen assistant;gardener;warehouse;shop assistant;office work;cleaner;bike workshop;recycling".split(
    ";"
)


ADJUSTMENTS = "later start;quiet space;job coach;written instructions;regular breaks;seated work".split(";")


class Person:
    """A made-up jobseeker. Each step queues the next steps, drawn from the jobseeker's own random stream."""

    def __init__(self, borough: Borough, number: int, stream: random.Random) -> None:
        self.borough = borough
        self.stream = stream
        self.number = number
        self.partner = borough.cast.partners[0 if stream.random() < 0.65 else 1]
        self.worker = stream.choice(borough.cast.caseworkers[self.partner])
        self.tries = 0
        self.jobseeker_id = UUID(int=0)
        self.referral_id = UUID(int=0)
        self.enrolment_id = UUID(int=0)
        self.introduction_id = UUID(int=0)
        self.spell_id = UUID(int=0)
        self.weeks = 0

    def later(self, at: datetime, low: int, high: int, step: Step) -> None:
        """Queue a step for a random day between ``low`` and ``high`` days after ``at``."""
        self.borough.later(at.date() + timedelta(days=self.stream.randint(low, high)), step)

    def person(self, session: WriteSession) -> Jobseeker:
        return session.get_one(Jobseeker, self.jobseeker_id)

    def refer(self, session: WriteSession, at: datetime) -> None:
        draw = self.stream
        referrer, source = draw.choice(self.borough.cast.referrers)
        actor = referrer.then(at=at)
        n = self.number
        wants_hours = draw.choice((8, 16, 20, 30))
        new = NewReferral(
            partner_id=self.partner,
            source_type=source,
            ref=f"DEMO-{n:05d}",
            referred_on=actor.today - timedelta(days=draw.randint(0, 3)),
            given_name=draw.choice(GIVEN),
            family_name=draw.choice(FAMILY),
            date_of_birth=date(draw.randint(1980, 2006), draw.randint(1, 12), draw.randint(1, 28)),
            nino=f"QQ{n % 1_000_000:06d}A" if draw.random() < 0.9 else None,
            phone=f"07700 900{n % 1000:03d}",
            email=f"person{n}@example.org",
            postcode=draw.choice(POSTCODES) if draw.random() < 0.92 else None,
            is_restricted=draw.random() < 0.03,
            ever_paid_work=draw.choice(("no", "no", "unknown")),
            right_to_work=draw.choice(("unrestricted", "unrestricted", "time_limited", "not_evidenced")),
            aspirations=draw.sample(WISHES, draw.randint(0, 3)) or None,
            skills=draw.sample(SKILLS, draw.randint(1, 5)),
            hours_min=Decimal(4),
            hours_max=Decimal(wants_hours),
            half_days=draw.choice((None, *WEEKS, "mon all day; tue all day; wed all day; thu all day; fri all day")),
            travel_modes=draw.choice((["bus"], ["bus", "walk"], ["car"], None)),
            max_travel_minutes=draw.choice((30, 45, 60, 90)),
            adjustments=draw.sample(ADJUSTMENTS, draw.randint(0, 2)) or None,
            permission_to_share=True,
        )
        referral = referral_actions.submit(session, actor, new)
        self.referral_id, self.jobseeker_id = referral.id, referral.jobseeker_id
        self.later(at, 0, 2, self.acknowledge)
        self.later(at, 3, 14, self.decide)

    def _move_referral(self, session: WriteSession, at: datetime, event: ReferralEvent, reason: str = "") -> None:
        referral = session.get_one(Referral, self.referral_id)
        referral_actions.move(session, self.manager(at), referral, event, reason=reason)

    def manager(self, at: datetime) -> Actor:
        return self.borough.cast.managers[self.partner].then(at=at)

    def acknowledge(self, session: WriteSession, at: datetime) -> None:
        self._move_referral(session, at, ReferralEvent.ACKNOWLEDGE)

    def decide(self, session: WriteSession, at: datetime) -> None:
        chance = self.stream.random()
        if chance < 0.05:
            self._move_referral(session, at, ReferralEvent.DECLINE, "Lives outside the area.")
        elif chance < 0.11:
            self._move_referral(session, at, ReferralEvent.WITHDRAW, "Did not want support just now.")
        else:
            self._move_referral(session, at, ReferralEvent.ACCEPT)
            self.later(at, 1, 12, self.enrol)

    def enrol(self, session: WriteSession, at: datetime) -> None:
        actor = self.manager(at)
        new = NewEnrolment(
            referral_id=self.referral_id,
            programme_id=self.borough.cast.programmes[self.partner],
            started_on=actor.today,
            caseworker_id=self.worker.membership_id,
        )
        self.enrolment_id = enrolment_actions.start(session, actor, new).id
        self.later(at, 3, 18, self.profile)
        self.later(at, 5, 45, self.meet_an_employer)
        if self.stream.random() < 0.08:
            self.later(at, 20, 50, self.correct_the_start)
        if self.stream.random() < 0.02:
            self.later(at, 10, 60, self.void)
        self.later(at, 90, 420, self.leave)

    def correct_the_start(self, session: WriteSession, at: datetime) -> None:
        enrolment = session.get_one(Enrolment, self.enrolment_id)
        change = EnrolmentChange(started_on=enrolment.started_on - timedelta(days=self.stream.randint(1, 5)))
        enrolment_actions.correct_start(session, self.manager(at), enrolment, change)

    def void(self, session: WriteSession, at: datetime) -> None:
        person = self.person(session)
        enrolment_actions.end_for_mistake(session, self.manager(at), person, "Two records of one person.")
        introduction_actions.withdraw_all(session, self.manager(at), person, "Two records of one person.")
        jobseeker_actions.move(
            session,
            self.manager(at),
            person,
            JobseekerEvent.VOID,
            reason="Two records of one person.",
        )

    def profile(self, session: WriteSession, at: datetime) -> None:
        person = self.person(session)
        current = jobseeker_queries.profile(session, person)
        assert current is not None
        new = NewProfile(
            ever_paid_work=current.ever_paid_work,
            right_to_work="unrestricted" if self.stream.random() < 0.8 else current.right_to_work,
            aspirations=self.stream.sample(WISHES, 3),
            skills=sorted({*(current.skills or []), *self.stream.sample(SKILLS, 2)}),
            hours_min=Decimal(4),
            hours_max=current.hours_max,
            half_days="mon all day; tue all day; wed all day; thu all day; fri all day",
            travel_modes=["bus", "walk"],
            max_travel_minutes=60,
            can_travel_alone=True,
            adjustments=current.adjustments,
            agreed_on=at.date(),
            said_by={"aspirations": "jobseeker", "skills": "jobseeker"},
            own_words="I would like to try something practical.",
        )
        actor = self.worker.then(at=at)
        profile.write_profile(session, actor, person, new, on_number=current.number)
        if self.stream.random() < 0.7:
            answers = NewMonitoring(
                ethnic_group=self.stream.choice(list(EthnicGroup)),
                sex=self.stream.choice(list(Sex)),
                long_term_condition=self.stream.choice(list(YesNo)),
            )
            monitoring.record_monitoring(session, actor, person, answers)
        self.plan(session, actor)
        self.later(at, 2, 15, self.introduce)

    def plan(self, session: WriteSession, actor: Actor) -> None:
        """Agree an action plan, and agree a new one after 20 to 39 days."""
        soon = actor.today + timedelta(days=21)
        done_on = actor.today if self.number % 3 else None
        steps = [PlanStep(what="Write a CV together.", by="caseworker", done_on=done_on)]
        steps.append(PlanStep(what="Try the bus to the first choice.", by="jobseeker", due_on=soon))
        support_actions.write_plan(session, actor, self.person(session), NewPlan(agreed_on=actor.today, steps=steps))
        again = actor.today + timedelta(days=20 + self.number % 20)
        self.borough.later(again, lambda later, at: self.plan(later, self.worker.then(at=at)))

    def meet_an_employer(self, session: WriteSession, at: datetime) -> None:
        new = NewContact(
            on=at.date(),
            with_whom=ContactWith.EMPLOYER,
            how=self.stream.choice((ContactHow.FACE_TO_FACE, ContactHow.PHONE)),
            outcome=ContactOutcome.SPOKE,
        )
        contacts.record_contact(session, self.worker.then(at=at), self.person(session), new)

    def introduce(self, session: WriteSession, at: datetime) -> None:
        """Make a shortlist, choose one of its first five placements, and send an introduction for that placement."""
        self.tries += 1
        actor = self.worker.then(at=at)
        # All steps of a day run in one transaction. The index in memory cannot see uncommitted rows, so the
        # published placements are read here.
        index_state = shortlist_index.read(session)
        gathered = shortlist_actions.gather(session, actor, self.jobseeker_id, actor.today, index_state)
        ranked = shortlist_actions.rank(gathered, limit=20)
        if self.tries < 4:
            self.later(at, 20, 45, self.introduce_again)
        shortlist = shortlist_actions.record(session, actor, ranked, jobseeker_id=self.jobseeker_id).shortlist
        if not ranked.matches:
            return
        # Ids differ from database to database. Equal scores are ordered by title and reference, so that the history is
        # the same on every database.
        ids = [placement_id for _, placement_id, *_ in ranked.matches]
        rows = session.execute(select(Placement.id, Placement.ref).where(Placement.id.in_(ids)))
        refs = {row.id: row.ref for row in rows}
        first = sorted(ranked.matches, key=lambda m: (-m[2].score, m[2].placement.title, refs[m[1]]))[:5]
        placement_id = first[self.stream.randrange(len(first))][1]
        placement = session.get_one(Placement, placement_id)
        person = self.person(session)
        groups = ["identity", "contact", "work"]
        if self.stream.random() < 0.3:
            groups.append("health_and_adjustments")
        permission = NewPermission(
            social_enterprise_id=placement.social_enterprise_id, groups=groups, how_given="in person, signed"
        )
        sharing.grant_permission(session, actor, person, permission)
        new = NewIntroduction(jobseeker_id=person.id, placement_id=placement_id, shortlist_id=shortlist.id)
        introduction = introduction_actions.propose(session, actor, new)
        introduction_actions.move(session, actor, introduction, IntroductionEvent.AGREE)
        introduction_actions.move(session, actor, introduction, IntroductionEvent.SEND)
        self.introduction_id = introduction.id
        self.later(at, 2, 12, self.answer)

    def introduce_again(self, session: WriteSession, at: datetime) -> None:
        enrolment = session.get_one(Enrolment, self.enrolment_id)
        introduction = session.get(Introduction, self.introduction_id)
        is_going_on = introduction is not None and introduction.state in {
            IntroductionState.OFFERED,
            IntroductionState.ACCEPTED,
            IntroductionState.STARTED,
        }
        if enrolment.state is EnrolmentState.STARTED and not is_going_on:
            self.introduce(session, at)

    def answer(self, session: WriteSession, at: datetime) -> None:
        introduction = session.get_one(Introduction, self.introduction_id)
        lister = self.borough.cast.listers[introduction.social_enterprise_id].then(at=at)
        chance = self.stream.random()
        if chance < 0.3:
            no = introduction_actions.No(WhyNot.HOURS)
            introduction_actions.move(session, lister, introduction, IntroductionEvent.DECLINE, no=no)
        else:
            if chance < 0.6:
                introduction_actions.move(session, lister, introduction, IntroductionEvent.INVITE)
            introduction_actions.move(session, lister, introduction, IntroductionEvent.OFFER)
            self.later(at, 1, 5, self.accept)

    def accept(self, session: WriteSession, at: datetime) -> None:
        introduction = session.get_one(Introduction, self.introduction_id)
        introduction_actions.accept(session, self.worker.then(at=at), introduction, keeps_others=False)
        self.later(at, 5, 20, self.start_work)

    def start_work(self, session: WriteSession, at: datetime) -> None:
        introduction = session.get_one(Introduction, self.introduction_id)
        actor = self.worker.then(at=at)
        level = session.get_one(Placement, introduction.placement_id).dbs_level or DbsLevel.NONE
        check = DbsCheckSeen(level=level, seen_on=actor.today, seen_by="the manager at the placement")
        is_needed = level is not DbsLevel.NONE
        start = StartedOn(started_on=actor.today, dbs_check=check if is_needed else None, earlier_start_agreed=True)
        starting.start_introduction(session, actor, introduction, start)
        spells = progression_queries.spells_of_introduction(session, introduction)
        if not spells:  # support ended before the work began
            return
        self.spell_id = spells[0].id
        self.weeks = self.stream.choice((2, 6, 10, 16, 20, 30, 40, 52))
        self._plan_weeks(at)

    def _plan_weeks(self, at: datetime) -> None:
        for week in range(self.weeks):
            first = at.date() + timedelta(weeks=week)
            hours = Decimal(self.stream.choice((8, 8, 12, 16)))
            known = first + timedelta(days=7 + self.stream.randint(0, 25))
            self.borough.later(known, self.hours_of(first, hours))
            if self.stream.random() < 0.04:
                self.borough.later(known + timedelta(days=12), self.hours_of(first, hours - 2))
        for n, step in enumerate(support_queries.steps(at.date())):
            if 0 < step.offset_days <= self.weeks * 7:
                on = at.date() + timedelta(days=step.offset_days + (self.number + n) % 6)
                self.borough.later(on, self.check_in((self.number + n) % 11))
        for due, rule in ((14, "LOCAL_13_IN_16"), (27, "LOCAL_26_IN_30")):
            if self.weeks >= due:
                on = at.date() + timedelta(weeks=due, days=self.stream.randint(25, 45))
                self.borough.later(on, self.claim(at.date(), on, rule))
        if self.weeks < 52:
            self.borough.later(at.date() + timedelta(weeks=self.weeks, days=3), self.end_work)

    def check_in(self, case: int) -> Step:
        """Return a check-in step. ``case`` 0 is not reached, 1 is in work with the job at risk, others are in work."""

        def step(session: WriteSession, at: datetime) -> None:
            new = NewCheckIn(
                spell_id=self.spell_id,
                on=at.date(),
                result=InWork.UNKNOWN if case == 0 else InWork.IN_WORK,
                told_by=ReportedBy.NOBODY if case == 0 else ReportedBy.JOBSEEKER,
                is_at_risk=case == 1,
                path_back=PathBack.JOB_COACHING if case == 1 else None,
            )
            support_actions.record_check_in(session, self.worker.then(at=at), new)

        return step

    def hours_of(self, first: date, hours: Decimal) -> Step:
        def step(session: WriteSession, at: datetime) -> None:
            spell = session.get_one(Spell, self.spell_id)
            new = NewHours(week_from=first, hours=hours)
            progression_actions.record_hours(session, self.worker.then(at=at), spell, new)

        return step

    def claim(self, first: date, on: date, rule: str) -> Step:
        def step(session: WriteSession, at: datetime) -> None:
            worker, manager = self.worker.then(at=at), self.manager(at)
            new = NewEvidence(
                spell_id=self.spell_id,
                kind=EvidenceKind.PAYSLIP,
                covers_from=first,
                covers_to=on,
                received_on=at.date(),
                obtained_how="copies from the jobseeker",
            )
            item = evidence.add_evidence(session, worker, new)
            evidence.check_evidence(session, manager, item, EvidenceVerdict(is_accepted=True))
            outcome = NewOutcome(enrolment_id=self.enrolment_id, rule=rule)
            made = outcomes.record_outcome(session, worker, outcome)
            claim = claim_actions.draft(session, worker, NewClaim(outcome_id=made.id))
            claim_actions.submit(session, worker, claim, Declaration(has_other_funding=False))
            self.borough.later(on + timedelta(days=10 + self.number % 9), self.pay(claim.id))

        return step

    def pay(self, claim_id: UUID) -> Step:
        def step(session: WriteSession, at: datetime) -> None:
            payer, claim = self.borough.cast.payers[self.partner].then(at=at), session.get_one(Claim, claim_id)
            claim_actions.move(session, payer, claim, ClaimEvent.ACCEPT)
            if self.number % 5:
                claim_actions.move(session, payer, claim, ClaimEvent.PAY)

        return step

    def end_work(self, session: WriteSession, at: datetime) -> None:
        spell = session.get_one(Spell, self.spell_id)
        if spell.state is SpellState.RUNNING:
            reason = self.stream.choice((SpellEnd.COMPLETED, SpellEnd.RESIGNED, SpellEnd.HEALTH))
            ended_on = at.date() - timedelta(days=self.stream.randint(0, 3))
            ending = SpellEnding(ended_on=ended_on, end_reason=reason)
            progression_actions.end(session, self.worker.then(at=at), spell, ending)

    def leave(self, session: WriteSession, at: datetime) -> None:
        enrolment = session.get_one(Enrolment, self.enrolment_id)
        reason = self.stream.choice((EndReason.COMPLETED, EndReason.IN_WORK, EndReason.DISENGAGED))
        ended_on = at.date() - timedelta(days=self.stream.randint(0, 6))
        enrolment_actions.end(
            session, self.manager(at), enrolment, EnrolmentEnding(ended_on=ended_on, end_reason=reason)
        )
