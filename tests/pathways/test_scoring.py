"""A caseload scored in pieces: the same however it is cut, stopped half-way, or thinned to the best of both sides."""

import dataclasses
import random
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import select

from matching.bulk.word_tables import WordTables
from matching.pairs.vocabulary import Vocabulary
from pathways.allocations import actions, scoring
from pathways.allocations.models import AllocationLine, LineState
from pathways.audit import AuditRow
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers.models import Jobseeker, JobseekerEvent
from pathways.placements.models import PlacementEvent
from pathways.reference import tables
from pathways.shortlists import index
from tests.pathways.test_index import exclude
from tests.pathways.test_index import move as move_placement
from tests.world import World

PEOPLE, PLACEMENTS = 24, 10


@pytest.fixture
def caseload(world: World):
    world.arranged("a caseload and its listings", lambda: _record_caseload(world))
    return world.on("manager")


def _record_caseload(world: World) -> None:
    drawn = random.Random(8)
    trades = ["Cafe Assistant", "Gardener", "Porter", "Cleaner"]
    for number in range(PEOPLE):
        world.supported(
            ref=f"R{number}",
            given_name=f"Person {number}",
            nino=None,
            nhs_number=None,
            email=None,
            phone=None,
            aspirations=[drawn.choice(trades)],
            half_days=drawn.choice(["mon all day; tue all day", "wed all day; thu all day", None]),
        )
    for number in range(PLACEMENTS):
        world.list_placement(
            ref=f"P{number}",
            title=drawn.choice(trades),
            places=drawn.choice([1, 2]),
            half_days=drawn.choice(["mon am; tue am", "wed am; thu am"]),
            hours_flexible=False,
        )


def gathered(database, actor) -> scoring.Caseload:
    with index.of(database).reading(database, actor) as (session, index_state):
        return actions.gather(session, actor, actor.today, index_state)


def test_however_it_is_cut_the_same_pairs_are_found(database, caseload, monkeypatch):
    whole = scoring.score(database, caseload, gathered(database, caseload))
    monkeypatch.setattr(scoring, "AT_ONCE", 5)
    cut = scoring.score(database, caseload, gathered(database, caseload))
    for name in ("begins", "placements", "scores"):
        assert np.array_equal(getattr(whole.pairs, name), getattr(cut.pairs, name))
    assert whole.open_to.tolist() == cut.open_to.tolist()
    assert 0 < whole.open_to.sum() < PEOPLE * PLACEMENTS


def test_the_best_of_both_sides_loses_nothing_of_the_proposal_and_ranks_are_true(database, caseload, monkeypatch):
    _, whole = actions.propose(database, caseload, caseload.today)
    monkeypatch.setattr(scoring, "MOST_PAIRS", 0)
    monkeypatch.setattr(scoring, "CANDIDATES", 2)
    monkeypatch.setattr(scoring, "SIDE_CANDIDATES", 4)
    monkeypatch.setattr(scoring, "AT_ONCE", 7)
    thinned, proposal = actions.propose(database, caseload, caseload.today)
    assert not thinned.weighs_all
    assert len(proposal.offers) == len(whole.offers)
    assert proposal.expected_lasting >= 0.95 * whole.expected_lasting
    every = scoring.score(database, caseload, thinned)
    could = dict(zip(map(str, thinned.ids), every.open_to.tolist(), strict=True))
    assert {one.jobseeker: one.could_go_to for one in proposal.offers} == {
        one.jobseeker: could[one.jobseeker] for one in proposal.offers
    }
    monkeypatch.setattr(scoring, "MOST_PAIRS", 10**9)
    pairs = scoring.score(database, caseload, gathered(database, caseload)).pairs
    at = {str(one): number for number, one in enumerate(thinned.ids)}
    for offer in proposal.offers:
        run = slice(pairs.begins[at[offer.jobseeker]], pairs.begins[at[offer.jobseeker] + 1])
        assert offer.rank == 1 + int((pairs.scores[run] > offer.score + 1e-9).sum())


@pytest.mark.long_test("postgresql")
def test_what_is_stopped_half_way_goes_on_from_there(database, caseload, monkeypatch, tmp_path, world: World):
    monkeypatch.setattr(scoring, "AT_ONCE", 5)
    done: list[int] = []

    def stops_after(pieces_left):
        def run(score, pieces, work):
            for number, piece in enumerate(pieces):
                if number == pieces_left:
                    raise KeyboardInterrupt
                done.append(number)
                yield score(piece, work)

        return run

    once = scoring.score(database, caseload, gathered(database, caseload))
    with pytest.raises(KeyboardInterrupt):
        scoring.score(database, caseload, gathered(database, caseload), run=stops_after(3), folder=tmp_path)
    assert len(list(tmp_path.glob("*.npz"))) == len(done) == 3
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.npz")} == {0o600}
    again = scoring.score(database, caseload, gathered(database, caseload), run=stops_after(99), folder=tmp_path)
    assert len(done) == 5
    assert np.array_equal(once.pairs.scores, again.pairs.scores)
    world.list_placement(ref="NEW")  # what it rests on has changed: everything is scored again
    scoring.score(database, caseload, gathered(database, caseload), run=stops_after(99), folder=tmp_path)
    assert len(done) == 10
    tables.use_folder(tmp_path / "tables")  # a table or the taxonomy is another: everything again
    (tmp_path / "tables").mkdir()
    experiences = tables.SHIPPED / "experiences.csv"
    (tmp_path / "tables" / "experiences.csv").write_text("\n".join(experiences.read_text().splitlines()[:-1]))
    try:
        scoring.score(database, caseload, gathered(database, caseload), run=stops_after(99), folder=tmp_path)
    finally:
        tables.use_folder(None)
    assert len(done) == 15
    case = gathered(database, caseload)
    words = dataclasses.replace(case.index_state, lexicon=WordTables(Vocabulary([("cooking", "cookery", True)])))
    other = dataclasses.replace(case, index_state=words)
    assert scoring.ScoredPieces(tmp_path, case).common != scoring.ScoredPieces(tmp_path, other).common
    assert (
        scoring.ScoredPieces(tmp_path, case).common
        == scoring.ScoredPieces(tmp_path, gathered(database, caseload)).common
    )
    scoring.forget(tmp_path)
    assert list(tmp_path.glob("*.npz")) == []


@pytest.mark.long_test("sqlite")
def test_another_run_on_the_same_folder_gives_nobody_the_scores_of_another(database, caseload, monkeypatch, tmp_path):
    monkeypatch.setattr(scoring, "AT_ONCE", 5)
    alone = scoring.score(database, caseload, gathered(database, caseload))

    def while_another_runs(leaves):
        def run(score, pieces, work):
            for number, piece in enumerate(pieces):
                yield score(piece, work)
                if number == 0:  # the other run goes on between two of our pieces, and leaves some of its own there
                    before = set(tmp_path.glob("*.npz"))
                    scoring.score(database, caseload, gathered(database, caseload), folder=tmp_path)
                    made = sorted(set(tmp_path.glob("*.npz")) - before, key=lambda path: path.stat().st_mtime_ns)
                    for path in made if leaves is None else made[:leaves] + made[leaves + 1 :]:
                        path.unlink()

        return run

    for leaves in (None, 1, 2):
        case = gathered(database, caseload)
        ours = scoring.score(database, caseload, case, run=while_another_runs(leaves), folder=tmp_path)
        again = scoring.score(database, caseload, case, folder=tmp_path)
        for found in (ours, again):
            assert np.array_equal(found.pairs.begins, alone.pairs.begins)
            assert np.array_equal(found.pairs.scores, alone.pairs.scores)
        scoring.forget(tmp_path)


def test_a_kept_piece_of_others_or_cut_short_is_scored_again(database, caseload, monkeypatch, tmp_path):
    monkeypatch.setattr(scoring, "AT_ONCE", 12)
    alone = scoring.score(database, caseload, gathered(database, caseload), folder=tmp_path)
    one, other = sorted(tmp_path.glob("*.npz"))
    one.write_bytes(other.read_bytes())
    other.write_bytes(other.read_bytes()[:50])
    again = scoring.score(database, caseload, gathered(database, caseload), folder=tmp_path)
    assert np.array_equal(again.pairs.scores, alone.pairs.scores)


def test_what_closes_while_a_proposal_is_made_is_in_no_line_of_it(database, caseload, world: World):
    made, proposal = actions.propose(database, caseload, caseload.today)
    first, second = proposal.offers[0], proposal.offers[1]
    gone = [one for one in proposal.offers if one.jobseeker == first.jobseeker or one.placement == second.placement]
    with database.writing(caseload) as session:
        person = session.get_one(Jobseeker, UUID(first.jobseeker))
        jobseeker_actions.move(session, caseload, person, JobseekerEvent.CLOSE, reason="Moved away.")
    move_placement(world, UUID(second.placement), PlacementEvent.CLOSE)
    with database.writing(caseload) as session:
        kept = actions.record(session, caseload, made, proposal)
        assert (kept.figures["certified"], kept.figures["taken_back"]) == (None, len(gone))
        lines = {line.jobseeker_id: line for line in session.scalars(select(AllocationLine))}
        assert UUID(first.jobseeker) not in lines
        assert lines[UUID(second.jobseeker)].state is LineState.WITHOUT
        assert "was taken while" in lines[UUID(second.jobseeker)].why
        assert kept.looked_at == PEOPLE - 1
        offered = sum(line.state is LineState.PROPOSED for line in lines.values())
        assert kept.figures["offers"] == offered < len(proposal.offers)
        told = select(AuditRow.jobseeker_id).where(AuditRow.recorded_at == caseload.at, AuditRow.is_change)
        assert set(session.scalars(told)) >= set(lines)


def test_an_exclusion_recorded_while_a_proposal_is_made_takes_its_offers_back(database, caseload, world: World):
    made, proposal = actions.propose(database, caseload, caseload.today)
    offer = proposal.offers[0]
    with database.writing(caseload) as session:
        exclude(session, caseload, UUID(offer.jobseeker), world)
    with database.writing(caseload) as session:
        kept = actions.record(session, caseload, made, proposal)
        lines = {line.jobseeker_id: line for line in session.scalars(select(AllocationLine))}
    told, before = lines[UUID(offer.jobseeker)], len(proposal.offers)
    assert (told.state, told.placement_id) == (LineState.WITHOUT, None)
    assert "exclusion" not in told.why  # whoever reads the line may not read of it
    assert (kept.figures["offers"], kept.figures["taken_back"]) == (before - 1, 1)
    assert kept.figures["need_share_of_offers"] == round(kept.figures["need_offers"] / (before - 1), 4)
