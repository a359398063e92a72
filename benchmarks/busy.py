"""Request shortlists from sixteen clients while placements are edited and closed, and check every reply afterwards.

A match is correct if, at some moment between the request and the reply, its placement was open and had the title in the
reply. A shortlist is correct if the plain ranker gives the same list from the snapshot stored with the shortlist.
"""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx2 as httpx
from sqlalchemy import select

from pathways.database import Database
from pathways.placements import actions
from pathways.placements.models import Placement, PlacementEvent, PlacementVersion
from pathways.placements.schemas import PlacementChange
from pathways.shortlists import queries, replay
from pathways.shortlists.models import Shortlist
from tests.world import World

CLIENTS = 16
EDITORS = 4
EDITS_A_SECOND = 50
CLOSED_SHARE = 5  # one edit in five closes a placement


@dataclass
class BusyLog:
    """All replies and edits, each with the times when it began and ended, by the clock of this process."""

    answers: list[tuple[float, float, dict[str, Any]]] = field(default_factory=list)
    closed: dict[UUID, tuple[float, float]] = field(default_factory=dict)
    titles: dict[UUID, list[tuple[float, float, str]]] = field(default_factory=lambda: defaultdict(list))
    faults: list[str] = field(default_factory=list)
    edits: int = 0


def run(address: str, world: World, people: list[UUID], placements: list[UUID], seconds: float) -> BusyLog:
    """Request shortlists and edit placements for a number of seconds, and return the log."""
    busy_log, until, lock = BusyLog(), time.perf_counter() + seconds, threading.Lock()

    def request(number: int) -> None:
        with httpx.Client(base_url=address, headers=world.key("caseworker"), timeout=60) as client:
            turn = number
            while time.perf_counter() < until:
                began = time.perf_counter()
                answer = client.post(f"/api/v1/jobseekers/{people[turn % len(people)]}/shortlists", json={})
                ended = time.perf_counter()
                with lock:
                    if answer.status_code == 201:
                        busy_log.answers.append((began, ended, answer.json()))
                    else:
                        busy_log.faults.append(f"{answer.status_code} {answer.text[:200]}")
                turn += CLIENTS

    def edit() -> None:
        while time.perf_counter() < until:
            with lock:
                turn, busy_log.edits = busy_log.edits, busy_log.edits + 1
            time.sleep(max(0.0, began + turn / EDITS_A_SECOND - time.perf_counter()))
            if placements[turn % len(placements)] not in busy_log.closed and time.perf_counter() < until:
                _edit(world, placements[turn % len(placements)], turn, busy_log)

    began = time.perf_counter()
    threads = [threading.Thread(target=request, args=(number,)) for number in range(CLIENTS)]
    threads += [threading.Thread(target=edit) for _ in range(EDITORS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    busy_log.edits = sum(map(len, busy_log.titles.values())) + len(busy_log.closed)
    return busy_log


def _edit(world: World, placement: UUID, turn: int, busy_log: BusyLog) -> None:
    """Change or close a placement in this process, as another worker of the service would."""
    actor, began, title = world.on("lister"), time.perf_counter(), f"Trade {turn} helper"
    is_last = turn % CLOSED_SHARE == 0
    with world.database.writing(actor) as session:
        row = session.get_one(Placement, placement)
        if is_last:
            actions.move(session, actor, row, PlacementEvent.CLOSE, reason="Filled elsewhere.")
        else:
            actions.change(session, actor, row, PlacementChange(title=title))
    if is_last:
        busy_log.closed[placement] = (began, time.perf_counter())
    else:
        busy_log.titles[placement].append((began, time.perf_counter(), title))


def faults_in(database: Database, world: World, busy_log: BusyLog) -> list[str]:
    """Return one sentence for each fault in the replies."""
    faults = list(busy_log.faults)
    with database.reading(world.actors["caseworker"]) as session:
        rows = session.execute(
            select(PlacementVersion.placement_id, PlacementVersion.inputs).where(PlacementVersion.version == 1)
        )
        first = {row.placement_id: row.inputs["title"] for row in rows}
        for began, ended, answer in busy_log.answers:
            for match in answer["matches"]:
                key = UUID(match["placement_id"])
                if key in busy_log.closed and busy_log.closed[key][1] < began:
                    faults.append(f"Placement {key} was closed before the shortlist was requested.")
                edits = [(0.0, 0.0, first[key]), *busy_log.titles.get(key, [])]
                done = [n for n, edit in enumerate(edits) if edit[1] < began]
                possible = {edit[2] for n, edit in enumerate(edits) if n >= done[-1] and edit[0] < ended}
                if match["title"] not in possible:
                    faults.append(f"Placement {key} is listed with a title that it did not have at that time.")
        for began, ended, answer in busy_log.answers:
            moved = {key for key, times in busy_log.closed.items() if times[0] < ended and times[1] > began}
            moved |= {
                key for key, edits in busy_log.titles.items() if any(e[0] < ended and e[1] > began for e in edits)
            }
            faults += _faults_of_replay(session, answer, moved)
    return faults


def _faults_of_replay(session: Any, answer: dict[str, Any], moved: set[UUID]) -> list[str]:
    """Rank the shortlist's snapshot again with the plain ranker, and return the differences from the reply.

    Placements that changed during the request (``moved``) may be missing from the reply.
    """
    shortlist = session.get_one(Shortlist, UUID(answer["id"]))
    again = replay.Again.of(session, shortlist)
    if again is None:
        return [f"Shortlist {shortlist.id} has no snapshot."]
    replied = [(match["placement_id"], round(match["score"] * 1e6)) for match in answer["matches"]]
    keys = {key for key, _ in replied}
    first = again.inorder[: len(replied) + len(moved)]
    rows = [row for row in first if str(again.where[row].placement_id) in keys]
    ours = [(key, score) for key, score, _ in again.scored(rows)]
    ahead = {again.where[row].placement_id for row in first[: first.index(rows[-1]) if rows else 0]}
    stored = [(str(match.placement_id), match.rank) for match in queries.matches(session, session.actor, shortlist.id)]
    faults = []
    if ours != replied or not ahead - {UUID(key) for key in keys} <= moved:
        faults.append(f"The reply for shortlist {shortlist.id} differs from the list that its snapshot gives.")
    if stored != [(match["placement_id"], match["rank"]) for match in answer["matches"]]:
        faults.append(f"The stored matches of shortlist {shortlist.id} differ from the reply.")
    return faults
