"""Builds the application from all features. No feature imports this module."""

import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import anyio.to_thread
from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from pathways import problems
from pathways.access.guards import DatabaseDep
from pathways.allocations import api as allocations
from pathways.allocations.personal_data import HOLDING as ALLOCATIONS
from pathways.audit import AuditRow
from pathways.background import BackgroundLoop, start_all
from pathways.base import local_day, utc_now
from pathways.casefile import api as casefile
from pathways.casefile.schemas import AccessLine
from pathways.claims import api as claims
from pathways.claims.personal_data import HOLDING as CLAIMS
from pathways.database import Database, WriteSession
from pathways.directory import api as directory
from pathways.duplicates import api as duplicates
from pathways.duplicates.actions import visible_candidates
from pathways.duplicates.personal_data import HOLDING as DUPLICATES
from pathways.enrolments import api as enrolments
from pathways.enrolments import queries as enrolment_queries
from pathways.enrolments.actions import StartCheck
from pathways.enrolments.personal_data import HOLDING as ENROLMENTS
from pathways.exports import api as exports
from pathways.holdings import Held, Holding, as_schema
from pathways.imports import actions as imports
from pathways.introductions import api as introductions
from pathways.introductions import links
from pathways.introductions.personal_data import HOLDING as INTRODUCTIONS
from pathways.jobseekers import api as jobseekers
from pathways.jobseekers import key_filling, name_index
from pathways.jobseekers.personal_data import HOLDING as JOBSEEKERS
from pathways.key_checks import KeyState
from pathways.learning import api as learning
from pathways.messages import api as messages
from pathways.messages.models import Notice, NoticeKind
from pathways.messages.sending import Sender, mailer
from pathways.migrate import at_head
from pathways.organisations import api as organisations
from pathways.organisations import links as key_links
from pathways.organisations.actions import authenticate
from pathways.organisations.queries import is_still_member
from pathways.pages import (
    account,
    caseworkers,
    claim_key,
    closing,
    decide,
    drafts,
    first_days,
    histories,
    home,
    letters,
    members,
    people,
    person,
    places,
    problem_pages,
    profiles,
    reconfirm,
    refer,
    referral_changes,
    sharing,
    shell,
    sign_in,
    today,
    uploads,
    work,
)
from pathways.pages import claims as claim_pages
from pathways.pages import duplicates as duplicate_pages
from pathways.pages import evidence as evidence_pages
from pathways.pages import introductions as introduction_pages
from pathways.pages import listing as listing_pages
from pathways.pages import merging as merge_pages
from pathways.pages import placements as placement_pages
from pathways.pages import referrals as referral_pages
from pathways.pages import (
    support as support_pages,
)
from pathways.pages.visitors import current_visitor, with_ways_back
from pathways.partner_enquiries import api as elsewhere
from pathways.partner_enquiries.personal_data import HOLDING as ELSEWHERE
from pathways.placements import api as placements
from pathways.placements import files as placement_files
from pathways.placements import links as placement_links
from pathways.programmes import api as programmes
from pathways.progression import actions as progression_actions
from pathways.progression import api as progression
from pathways.progression import queries as progression_queries
from pathways.progression.personal_data import HOLDING as PROGRESSION
from pathways.protection import api as protection
from pathways.reference import api as words
from pathways.reference import tables, taxonomy, vocabulary
from pathways.reference.esco import ConceptKind
from pathways.referrals import api as referrals
from pathways.referrals import files as referral_files
from pathways.referrals.models import StageSource
from pathways.referrals.personal_data import HOLDING as REFERRALS
from pathways.settings import Settings
from pathways.shortlists import api as shortlists
from pathways.shortlists import index
from pathways.shortlists.personal_data import HOLDING as SHORTLISTS
from pathways.sign_in import api as invitations
from pathways.sign_in import one_time_links
from pathways.support import api as support
from pathways.support.personal_data import HOLDING as SUPPORT
from pathways.web import docs, logs, openapi
from pathways.web.requests import BodyLimits, RequestLog

# In the order in which their tables can be written. Records are erased in the reverse order.
HOLDINGS: Sequence[Holding] = (
    JOBSEEKERS,
    DUPLICATES,
    ELSEWHERE,
    REFERRALS,
    ENROLMENTS,
    SHORTLISTS,
    INTRODUCTIONS,
    ALLOCATIONS,
    PROGRESSION,
    CLAIMS,
    SUPPORT,
    Holding("audit", (Held(AuditRow, as_schema(AccessLine), stays=True),)),
)
# What became of a person: read for the referrer, and to ask what is meant when a case closes as in work.
STAGE_SOURCES: Sequence[StageSource] = (enrolment_queries.stages, progression_queries.stages)
START_CHECKS: Sequence[StartCheck] = (progression_actions.check_enrolment_start,)
ROUTERS: Sequence[APIRouter] = (
    organisations.organisations,
    organisations.users,
    organisations.members,
    organisations.keys,
    invitations.router,
    programmes.router,
    referrals.router,
    jobseekers.monitoring_router,
    jobseekers.router,
    protection.router,
    duplicates.router,
    elsewhere.router,
    casefile.router,
    enrolments.router,
    placements.router,
    shortlists.router,
    allocations.router,
    introductions.router,
    progression.introduced,
    progression.spells,
    progression.evidence_router,
    progression.outcomes_router,
    progression.explained,
    claims.router,
    support.check_ins,
    support.of_jobseekers,
    support.waiting,
    messages.notices,
    messages.emails,
    messages.webhooks,
    messages.deliveries,
    exports.router,
    exports.figures,
    learning.router,
    words.router,
    words.vocabularies,
)
PAGES: Sequence[APIRouter] = (
    home.router,
    sign_in.router,
    account.router,
    drafts.router,
    members.router,
    introduction_pages.router,
    first_days.router,
    listing_pages.router,
    placement_pages.router,
    today.router,
    referral_pages.router,
    referral_changes.router,
    refer.router,
    people.router,
    person.router,
    profiles.router,
    places.router,
    work.router,
    claim_pages.router,
    support_pages.router,
    sharing.router,
    histories.router,
    caseworkers.router,
    closing.router,
    uploads.router,
    duplicate_pages.router,
    merge_pages.router,
    evidence_pages.router,
    decide.router,
    claim_key.router,
    reconfirm.router,
    letters.router,  # last: its addresses have any first word
)
with_ways_back(PAGES)
PREFIX = "/api/v1"
# Kinds of notices for which the e-mail has a link with which the reader can answer.
LINKS: Mapping[NoticeKind, Callable[[WriteSession, Notice, datetime], str]] = {
    **dict.fromkeys(links.KINDS, links.make),
    **dict.fromkeys(placement_links.KINDS, placement_links.make),
    NoticeKind.KEY_TO_CLAIM: lambda session, notice, at: key_links.make(session, notice.subject_id, at),
    **dict.fromkeys((NoticeKind.INVITED, NoticeKind.SIGN_IN_LINK), one_time_links.make),
}
# Kinds of notices that are sent only while their introduction is open and not stopped, or not over.
NEEDED = {
    **dict.fromkeys(links.ONLY_WHILE_OPEN, links.is_needed),
    NoticeKind.SAFETY_TO_DECIDE: links.is_live,
    **dict.fromkeys(placement_links.KINDS, placement_links.is_needed),
    **dict.fromkeys((NoticeKind.INVITED, NoticeKind.SIGN_IN_LINK), one_time_links.is_needed),
}
# By the kind of record: the function that says in an e-mail which record it is, without naming a person.
LABELS = {
    "introductions": links.label,
    "keys": lambda session, notice: key_links.label(session, notice.subject_id),
    "placements": placement_links.label,
    "sign-in": one_time_links.label,
}
# By the kind of record: the function that says whether an organisation may receive a webhook about it.
MAY_RECEIVE = {"introduction": links.may_receive}
SECONDS_BETWEEN_TRIES = 5.0
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_BETWEEN_KEY_CHECKS = 15.0
FILE_KINDS = (referral_files.KIND, placement_files.KIND)
SECONDS_BETWEEN_COUNTS = 3600  # counting takes some ten milliseconds, and tables do not grow tenfold in an hour
DESCRIPTION = (
    "Referrals, profiles, ranked placements, outcomes and monthly figures for voluntary-sector partners. "
    "Every request needs an API key. Every error is a problem document that says what to do."
)


def _count_rows_regularly(database: Database, stop: threading.Event) -> None:
    """Update SQLite's row counts for its query planner at the start and every hour. PostgreSQL needs no such loop."""
    while database.is_sqlite:
        database.count_rows()
        if stop.wait(SECONDS_BETWEEN_COUNTS):
            return


def _complete_person_keys(database: Database, stop: threading.Event) -> None:
    """Create missing keys and words of names, if the database was not upgraded with ``pathways db upgrade``."""
    key_filling.fill(database, stop)
    name_index.fill(database, stop)


def _continue_imports(database: Database, stop: threading.Event) -> None:
    """Continue imports that are too large to finish within one request, and imports that were interrupted."""
    forgot = 0.0
    while not stop.wait(SECONDS_BETWEEN_LOOKS):
        imports.go_on_with_what_was_left(database, FILE_KINDS, is_still_member)
        if time.monotonic() - forgot > SECONDS_BETWEEN_COUNTS:
            forgot, now = time.monotonic(), utc_now()
            days = int(tables.limit("import_cells_days", local_day(now)))
            imports.forget(database, now - timedelta(days=days))


def sender_of(settings: Settings, database: Database) -> Sender:
    """Return the sender of queued e-mails and webhooks."""
    return Sender(
        database,
        settings,
        mailer(settings),
        links=LINKS,
        is_needed=NEEDED,
        labels=LABELS,
        may_receive=MAY_RECEIVE,
    )


def _send_queued_messages(settings: Settings, database: Database, stop: threading.Event) -> None:
    """Send queued e-mails and webhooks on SQLite, where one process runs. On PostgreSQL, ``pathways worker`` sends."""
    sender = sender_of(settings, database)
    while database.is_sqlite and not stop.wait(SECONDS_BETWEEN_TRIES):
        sender.send_due()


def _prepare_words(database: Database) -> None:
    """Prepare the search of skills and occupations in a loaded taxonomy, so that the first search is fast."""
    with database.reading() as session:
        for kind in ConceptKind:
            if taxonomy.is_loaded(session, kind):
                vocabulary.finder(session, kind)


def _compare_keys_regularly(database: Database, stop: threading.Event) -> None:
    """Notice if the database is replaced by one with other keys: then every session is refused."""
    while not stop.is_set():
        database.key_state()
        database.must_have_right_keys()
        stop.wait(SECONDS_BETWEEN_KEY_CHECKS)


def _with_right_keys(database: Database, loop: BackgroundLoop) -> BackgroundLoop:
    """Let a loop refuse to start without the keys of the database. It tries again after a pause."""
    run = loop.run

    def run_with_right_keys(stop: threading.Event) -> None:
        database.must_have_right_keys()
        run(stop)

    loop.run = run_with_right_keys
    return loop


def _loops(settings: Settings, database: Database) -> list[BackgroundLoop]:
    loops = [
        BackgroundLoop("keys", lambda stop: _compare_keys_regularly(database, stop)),
        BackgroundLoop("placement_index", lambda _: index.warm(database), first_pause=2.0),
        BackgroundLoop("row_counts", lambda stop: _count_rows_regularly(database, stop)),
        BackgroundLoop("person_keys", lambda stop: _complete_person_keys(database, stop)),
        BackgroundLoop("imports", lambda stop: _continue_imports(database, stop)),
        BackgroundLoop("taxonomy", lambda _: _prepare_words(database)),
        BackgroundLoop("messages", lambda stop: _send_queued_messages(settings, database, stop)),
    ]
    return [_with_right_keys(database, loop) for loop in loops]


def _operation_id(route: APIRoute) -> str:
    return route.name


def create_app(settings: Settings, database: Database) -> FastAPI:
    logs.configure(settings.log_level)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # The number of connections follows from this number, so that a thread never waits for a connection.
        anyio.to_thread.current_default_thread_limiter().total_tokens = settings.worker_threads
        stop = threading.Event()
        start_all(app.state.loops, stop)
        yield
        stop.set()
        database.close()

    app = FastAPI(
        title="Pathways",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        generate_unique_id_function=_operation_id,
        telemetry={"logs": False},
        redirect_slashes=False,
    )
    app.state.settings = settings
    app.state.database = database
    app.state.authenticate = authenticate
    app.state.holdings = HOLDINGS
    app.state.stage_sources = STAGE_SOURCES
    app.state.start_checks = START_CHECKS
    app.state.candidates = visible_candidates
    app.state.may_receive = MAY_RECEIVE
    app.state.loops = _loops(settings, database)
    problems.install(app)
    problem_pages.install(app, current_visitor)
    openapi.install(app)
    app.add_middleware(BodyLimits, most_bytes=settings.max_body_bytes, most_upload_bytes=settings.max_upload_bytes)
    app.add_middleware(RequestLog)
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    app.include_router(directory.router)
    app.include_router(docs.router)
    for router in PAGES:
        app.include_router(router)
    app.mount(shell.AT, shell.static_files())
    app.mount("/static", docs.static_files())
    _add_health(app)
    return app


def _add_health(app: FastAPI) -> None:
    @app.get("/health/live", include_in_schema=False)
    def live() -> dict[str, str]:
        """Reply that the process is running."""
        return {"status": "live"}

    @app.get("/health/ready", include_in_schema=False)
    def ready(database: DatabaseDep) -> JSONResponse:
        """Reply whether the database has this program's version and keys, and the open placements are in memory.

        The reply also has the state of each background loop; a loop that restarts does not change the status.
        """
        keys = database.key_state() if at_head(database) else None
        is_ready = keys is KeyState.RIGHT and index.of(database).is_ready
        loops = {loop.name: loop.report() for loop in app.state.loops}
        body = {"status": "ready" if is_ready else "not ready", "keys": keys or "unknown", "background": loops}
        return JSONResponse(body, status_code=200 if is_ready else 503)
