"""Sixteen clients ask for shortlists while listings are edited and closed; every answer is checked afterwards.

A match is right if its listing was open, and its title one the listing bore, at some moment between the asking and the
answer; and if the list is the one that the plain ranker makes of what the shortlist says it was ranked on.
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
CLOSED_SHARE = 5  # one edit in so many closes a listing


@dataclass
class BusyLog:
    """What happened, by the clock of this process."""

    answers: list[tuple[float, float, dict[str, Any]]] = field(default_factory=list)
    closed: dict[UUID, tuple[float, float]] = field(default_factory=dict)
    titles: dict[UUID, list[tuple[float, float, str]]] = field(default_factory=lambda: defaultdict(list))
    faults: list[str] = field(default_factory=list)
    edits: int = 0


def run(address: str, world: World, people: list[UUID], placements: list[UUID], seconds: float) -> BusyLog:
    """Ask and edit for some seconds."""
    told, until, lock = BusyLog(), time.perf_counter() + seconds, threading.Lock()

    def ask(number: int) -> None:
        with httpx.Client(base_url=address, headers=world.key("caseworker"), timeout=60) as client:
            at = number
            while time.perf_counter() < until:
                began = time.perf_counter()
                answer = client.post(f"/api/v1/jobseekers/{people[at % len(people)]}/shortlists", json={})
                ended = time.perf_counter()
                with lock:
                    if answer.status_code == 201:
                        told.answers.append((began, ended, answer.json()))
                    else:
                        told.faults.append(f"{answer.status_code} {answer.text[:200]}")
                at += CLIENTS

    def edit() -> None:
        while time.perf_counter() < until:
            with lock:
                turn, told.edits = told.edits, told.edits + 1
            time.sleep(max(0.0, began + turn / EDITS_A_SECOND - time.perf_counter()))
            if placements[turn % len(placements)] not in told.closed and time.perf_counter() < until:
                _edit(world, placements[turn % len(placements)], turn, told)

    began = time.perf_counter()
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
    threads += [threading.Thread(target=edit) for _ in range(EDITORS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told.edits = sum(map(len, told.titles.values())) + len(told.closed)
    return told


def _edit(world: World, placement: UUID, turn: int, told: BusyLog) -> None:
    """Change or close a listing in this process, as another worker of the service would."""
    actor, began, title = world.on("lister"), time.perf_counter(), f"Trade {turn} helper"
    is_last = turn % CLOSED_SHARE == 0
    with world.database.writing(actor) as session:
        row = session.get_one(Placement, placement)
        if is_last:
            actions.move(session, actor, row, PlacementEvent.CLOSE, reason="Filled elsewhere.")
        else:
            actions.change(session, actor, row, PlacementChange(title=title))
    if is_last:
        told.closed[placement] = (began, time.perf_counter())
    else:
        told.titles[placement].append((began, time.perf_counter(), title))


def faults_in(database: Database, world: World, told: BusyLog) -> list[str]:
    """Return one sentence for each thing in an answer that was not so."""
    found = list(told.faults)
    with database.reading(world.actors["caseworker"]) as session:
        rows = session.execute(
            select(PlacementVersion.placement_id, PlacementVersion.inputs).where(PlacementVersion.version == 1)
        )
        first = {row.placement_id: row.inputs["title"] for row in rows}
        for began, ended, answer in told.answers:
            for match in answer["matches"]:
                key = UUID(match["placement_id"])
                if key in told.closed and told.closed[key][1] < began:
                    found.append(f"{key} was closed before the list was asked for.")
                bore = [(0.0, 0.0, first[key]), *told.titles.get(key, [])]
                done = [n for n, one in enumerate(bore) if one[1] < began]
                possible = {one[2] for n, one in enumerate(bore) if n >= done[-1] and one[0] < ended}
                if match["title"] not in possible:
                    found.append(f"{key} was shown by a title it did not bear then.")
        for began, ended, answer in told.answers:
            moved = {key for key, at in told.closed.items() if at[0] < ended and at[1] > began}
            moved |= {key for key, at in told.titles.items() if any(t[0] < ended and t[1] > began for t in at)}
            found += _not_its_own(session, answer, moved)
    return found


def _not_its_own(session: Any, answer: dict[str, Any], moved: set[UUID]) -> list[str]:
    """Rank what the shortlist says it was ranked on by the plain ranker, and compare; what moved may be left out."""
    shortlist = session.get_one(Shortlist, UUID(answer["id"]))
    again = replay.Again.of(session, shortlist)
    if again is None:
        return [f"{shortlist.id} keeps nothing it was ranked on."]
    shown = [(one["placement_id"], round(one["score"] * 1e6)) for one in answer["matches"]]
    keys = {key for key, _ in shown}
    first = again.inorder[: len(shown) + len(moved)]
    rows = [row for row in first if str(again.where[row].placement_id) in keys]
    ours = [(key, score) for key, score, _ in again.scored(rows)]
    ahead = {again.where[row].placement_id for row in first[: first.index(rows[-1]) if rows else 0]}
    kept = [(str(one.placement_id), one.rank) for one in queries.matches(session, session.actor, shortlist.id)]
    found = []
    if ours != shown or not ahead - {UUID(key) for key in keys} <= moved:
        found.append(f"{shortlist.id} is not the list of what it was ranked on.")
    if kept != [(one["placement_id"], one["rank"]) for one in answer["matches"]]:
        found.append(f"{shortlist.id} was not kept as it was shown.")
    return found
