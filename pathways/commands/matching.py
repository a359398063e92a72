"""Commands for shortlists, suggested changes, allocations and ranking models."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pathways.commands.acting import ActAs, On, PlainError, audited, day_of, for_partner, opened, operator

if TYPE_CHECKING:
    from matching.bulk.caseload import Run
    from pathways.allocations.scoring import Answer, Tell
    from pathways.base import Actor
    from pathways.database import Database, WriteSession
    from pathways.learning.schemas import ModelOut
    from pathways.shortlists.actions import Ranked
    from pathways.shortlists.schemas import ShortlistOut

alone = typer.Typer()
models = typer.Typer(no_args_is_help=True, help="Train, assess, release and retire ranking models.")


@alone.command()
def shortlist(
    jobseeker: Annotated[str, typer.Argument(metavar="JOBSEEKER_REF")],
    on: On = None,
    limit: Annotated[int, typer.Option(help="The highest number of placements to print.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print the reply of the API (JSON).")] = False,
    acting_as: ActAs = None,
) -> None:
    """Rank the open placements for a jobseeker, with reasons. Example: pathways shortlist J-7K2M9Q --limit 5."""
    from pathways.jobseekers import queries
    from pathways.shortlists import actions, replay
    from pathways.shortlists.schemas import ShortlistOut

    with opened() as database:
        actor = operator(database, "shortlist:make", acting_as)
        with database.reading() as session:
            person = queries.by_reference(session, jobseeker)
            jobseeker_id = person.id
            actor = for_partner(actor, person.partner_id)
        day = day_of(on) or actor.today

        def ranking() -> "Ranked":
            return actions.rank_placements(database, actor, jobseeker_id, day, limit)

        def act(session: "WriteSession", ranked: "Ranked", may_repeat: bool) -> ShortlistOut:
            made = actions.record(session, actor, ranked, jobseeker_id=jobseeker_id, may_repeat=may_repeat)
            return ShortlistOut.model_validate(replay.reply(session, actor, made.shortlist, made))

        with audited(database, actor, jobseeker_id=jobseeker_id):
            answer = actions.settled(database, actor, ranking, act)
    if as_json:
        print(answer.model_dump_json(indent=2))
        return
    print(f"{jobseeker}: {answer.eligible} of {answer.looked_at} placements fit. Model: {answer.model_version}.")
    for match in answer.matches:
        print(
            f"\n{match.rank}. {match.title}, {match.social_enterprise}: "
            f"{match.score:.2f}, {match.confidence} confidence"
            + (", ordered by a random tie-break among near-equal scores" if (match.propensity or 1.0) < 1.0 else "")
        )
        signs = {"for": "+", "against": "-", "unknown": "?"}
        for reason in match.reasons:
            print(f"   {signs[reason.effect]} {reason.text}")
        for check in match.checks:
            if check.result == "unknown" or check.rule in {"travel", "dbs"}:
                print(f"   {check.rule}: {check.text}")
    _print_refused(answer)


def _print_refused(answer: "ShortlistOut") -> None:
    if answer.worth_asking:
        print("\nThese do not fit, but would be among the first five. It is worth asking:")
        for one in answer.worth_asking:
            texts = " ".join(check.text for check in one.checks)
            print(f"   {one.title}, {one.social_enterprise}: {texts} {one.question}")
    if answer.refused:
        rules = ", ".join(f"{count} by {rule}" for rule, count in answer.refused_by_rule.items())
        print(f"\n{answer.refused} placements do not fit: {rules}. The closest to fitting:")
        for refusal in answer.nearest_refusals[:3]:
            print(f"   {refusal.title}, {refusal.social_enterprise}: {' '.join(refusal.what_would_change_it)}")


@alone.command()
def unlock(
    jobseeker: Annotated[str, typer.Argument(metavar="JOBSEEKER_REF")],
    on: On = None,
    limit: Annotated[int, typer.Option(help="The highest number of changes to print.")] = 10,
    acting_as: ActAs = None,
) -> None:
    """List the single changes that would open the most good placements. Example: pathways unlock J-7K2M9Q."""
    from pathways.jobseekers import queries
    from pathways.shortlists import unlock as unlocking

    with opened() as database:
        actor = operator(database, "unlock:read", acting_as)
        with database.reading() as session:
            person = queries.by_reference(session, jobseeker)
            jobseeker_id = person.id
            actor = for_partner(actor, person.partner_id)
        with audited(database, actor, jobseeker_id=jobseeker_id):
            answer = unlocking.for_jobseeker(database, actor, jobseeker_id, day_of(on) or actor.today)
    if not answer.items:
        print("No single change would open another good placement.")
    for line in answer.items[:limit]:
        gain = f"placements opened: {line.opens}" if line.opens else f"open questions answered: {line.settles}"
        print(f"{line.text} ({gain})")
        for listing in line.placements[:3]:
            print(f"   {listing.title}, {listing.social_enterprise}")


@alone.command()
def rematch(
    partner: Annotated[
        str | None, typer.Option(metavar="REF", help="Only the partner with this reference. Default: every partner.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="The number of processes that score matches.")] = 1,
    backend: Annotated[str, typer.Option(help="Where to score: loky is this machine, dask a cluster.")] = "loky",
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler.")] = None,
    on: On = None,
    keep: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Store scores in this folder, so that an interrupted run can continue."),
    ] = None,
    limit: Annotated[int, typer.Option(help="The highest number of jobseekers without an offer to list.")] = 20,
    acting_as: ActAs = None,
) -> None:
    """Propose an allocation for a whole caseload. Example: pathways rematch --partner stepping-stones --jobs 2."""
    from pathways.allocations import actions, queries, scoring
    from pathways.allocations.models import AllocationLine, LineState

    if backend not in {"loky", "dask"}:
        message = f"There is no backend {backend}. Use --backend loky or --backend dask."
        raise PlainError(message)
    with opened() as database:
        first = operator(database, "allocation:make", acting_as)
        for name, actor in _partners_to_rematch(database, first, partner):
            day = day_of(on) or actor.today
            own = keep / str(actor.organisation_id) if keep is not None else None
            with _scoring(jobs, backend, scheduler) as run, _bar(name) as begun, audited(database, actor):
                caseload, proposal = actions.propose(database, actor, day, run=run, folder=own, begun=begun)
            if not caseload.ids:
                print(f"{name}: there are no open cases.")
                continue
            with audited(database, actor), database.writing(actor) as session:
                made = actions.record(session, actor, caseload, proposal)
                answer = actions.reply(session, actor, made)
                rows = session.scalars(
                    queries.lines(actor, made.id).where(AllocationLine.state == LineState.WITHOUT).limit(limit)
                )
                without = actions.line_replies(session, actor, rows.all())
            scoring.forget(own)
            figures = answer.figures
            if figures is None:  # some lines are about jobseekers that this member may not see
                print(f"{name}: the proposal {made.id} was made. Only a team manager may see its totals.")
                continue
            print(
                f"{name}: {figures.offers} of {answer.looked_at} jobseekers would be offered one of "
                f"{answer.placements} placements. {figures.first_choices} would get their first choice; "
                f"{figures.kept} keep the placement proposed before."
            )
            policy = answer.policy
            print(f"   Policy {policy['version']}, in force from {policy['in_force_from']}: {policy['source']}.")
            print(
                f"   In most need: {figures.need_people} jobseekers, {figures.need_offers} offers "
                f"(at least {figures.need_floor} are reserved). They are {figures.need_share_of_caseload:.0%} of the "
                f"caseload and {figures.need_share_of_top:.0%} of the top 30 % by score."
            )
            print(f"   {figures.without} would have no offer." + (" The first:" if figures.without else ""))
            for line in without:
                print(f"   {line.jobseeker_reference}: {line.why}")
            print(f"   This is the proposal {made.id}. Next: caseworkers accept, change or reject each line.")


def _partners_to_rematch(database: "Database", actor: "Actor", ref: str | None) -> list[tuple[str, "Actor"]]:
    from sqlalchemy import select

    from pathways.base import Role
    from pathways.organisations.models import Organisation, OrganisationKind

    rows = select(Organisation.id, Organisation.name).where(
        Organisation.kind == OrganisationKind.VOLUNTARY_SECTOR_PARTNER
    )
    if ref is not None:
        rows = rows.where(Organisation.ref == ref)
    if actor.role is not Role.OPERATOR:
        rows = rows.where(Organisation.id == actor.organisation_id)
    with database.reading() as session:
        partners = [(row.name, for_partner(actor, row.id)) for row in session.execute(rows.order_by(Organisation.name))]
    if not partners:
        missing = f"with the reference {ref}" if ref else "yet"
        message = f"There is no voluntary-sector partner {missing}. To list them, run: pathways organisations list"
        raise PlainError(message)
    return partners


@contextmanager
def _bar(name: str) -> Iterator["Callable[[int], Tell]"]:
    """Yield a function that starts a progress bar of a given length and returns the function that advances it."""
    with ExitStack() as stack:

        def begun(count: int) -> "Tell":
            return stack.enter_context(typer.progressbar(length=count, label=f"{name}: scoring")).update

        yield begun


@contextmanager
def _scoring(jobs: int, backend: str, scheduler: str | None) -> Iterator["Run[Answer]"]:
    """Yield the function that runs the scoring of the batches of a caseload, in this process or in several."""
    from joblib import parallel_config

    from matching.bulk.caseload import in_parallel, in_turn

    if backend == "loky":
        with parallel_config(backend="loky"):
            yield in_turn if jobs == 1 else in_parallel(jobs)
        return
    try:
        from distributed import Client  # optional: only with --backend dask

        connect: Callable[..., Any] = Client
    except ImportError as wrong:
        message = "Dask is not installed. Install the package distributed, or use --backend loky."
        raise PlainError(message) from wrong
    with connect(scheduler, n_workers=None if scheduler else jobs), parallel_config(backend="dask"):
        yield in_parallel(jobs)


@models.command("train")
def model_train(
    until: Annotated[str | None, typer.Option(help="Learn from decisions up to this day. Default: today.")] = None,
    acting_as: ActAs = None,
) -> None:
    """Train a model on decided introductions, without using it. Example: pathways model train --until 2026-10-31."""
    from pathways.learning import actions

    with opened() as database:
        actor = operator(database, "model:train", acting_as)
        with database.writing(actor) as session:
            model = actions.reply(actions.train_model(session, actor, day_of(until) or actor.today))
    print(f"{model.name}: trained on {model.cases} cases from {model.first_day} to {model.last_day}.")
    metrics = model.manifest["metrics"]
    for side, mix in metrics["boosting"].items():
        print(f"   {side}: {mix['cases']} answers. {mix['why']}")
    print(f"   chance of a match: {metrics['match_chance']['cases']} answers. {metrics['match_chance']['why']}")
    print(f"The model is not in use yet. Next: pathways model assess {model.name}")


@models.command("list")
def model_list() -> None:
    """List the models and their states. Example: pathways model list."""
    from sqlalchemy import select

    from pathways.shortlists.models import ModelState, RankingModel

    with opened() as database, database.reading() as session:
        rows = list(session.scalars(select(RankingModel).order_by(RankingModel.made_at)))
        for row in rows:
            print(f"{row.name:24} {row.state.value:10} {row.manifest['cases']} cases")
        if not any(row.state is ModelState.RELEASED for row in rows):
            print("No model is released. Shortlists use the weights set by experts.")


def _model_act(name: str, act: "Callable[[Any, Any, Any], Any]", doing: str, acting_as: str | None) -> "ModelOut":
    from pathways.learning import actions, queries

    with opened() as database:
        actor = operator(database, doing, acting_as)
        with database.writing(actor) as session:
            return actions.reply(act(session, actor, queries.model(session, name)))


@models.command("assess")
def model_assess(version: str, acting_as: ActAs = None) -> None:
    """Test a model on decisions it was not trained on. Example: pathways model assess 2026-10-31-1."""
    from pathways.learning import actions

    model = _model_act(version, actions.assess, "model:train", acting_as)
    figures = model.assessment or {}
    print(f"{model.name}: trained on {figures['cases_learnt_from']} cases, tested on {figures['cases_held_out']}.")
    for name in ("ndcg_at_10", "ndcg_at_10_of_the_model_in_use", "difference"):
        print(f"   {name.replace('_', ' ')}: {figures[name]['mean']} {figures[name]['interval'] or ''}")
    for gate in model.gates:
        print(f"   {'passed' if gate.passed else 'FAILED'} {gate.gate}: {gate.text}")


def _given_reason(text: str) -> str:
    from pathways.given_reasons import why_no_reason

    wrong = why_no_reason(text)
    if wrong is not None:
        raise PlainError(wrong)
    return text


Why = Annotated[
    str,
    typer.Option(
        "--reason", prompt="Reason", help="The reason in one sentence; it is recorded.", callback=_given_reason
    ),
]


@models.command("release")
def model_release(version: str, reason: Why, acting_as: ActAs = None) -> None:
    """Use a model for all shortlists from now on.

    Example: pathways model release 2026-10-31-1 --reason "Better in the test".
    """
    from pathways.learning import actions

    model = _model_act(version, lambda s, a, m: actions.release(s, a, m, reason), "model:release", acting_as)
    print(f"{model.name} is released. It ranks all shortlists from now on.")


@models.command("retire")
def model_retire(version: str, reason: Why, acting_as: ActAs = None) -> None:
    """Take a model out of use. Example: pathways model retire 2026-10-31-1 --reason "Drifted"."""
    from pathways.learning import actions

    model = _model_act(version, lambda s, a, m: actions.retire(s, a, m, reason), "model:release", acting_as)
    print(f"{model.name} is retired and no longer ranks.")
