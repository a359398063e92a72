"""The routes of ranking models: train, assess, release and retire."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.orm import defer

from pathways.access.guards import DatabaseDep, OnceDep, PageDep, PathwaysRoute, permitted
from pathways.access.permissions import Permission
from pathways.base import Actor
from pathways.errors import Conflict, NotFound
from pathways.learning import actions, queries
from pathways.learning.schemas import ModelDecision, ModelOut, NewModel
from pathways.pagination import Page, page_of
from pathways.problems import documented
from pathways.shortlists.models import RankingModel

router = APIRouter(prefix="/models", tags=["models"], route_class=PathwaysRoute)
Reader = Annotated[Actor, permitted(Permission.MODEL_READ)]
Trainer = Annotated[Actor, permitted(Permission.MODEL_TRAIN)]
Releaser = Annotated[Actor, permitted(Permission.MODEL_RELEASE)]


@router.get("")
def list_models(actor: Reader, database: DatabaseDep, page: PageDep) -> Page[ModelOut]:
    """List all trained models with their figures and release gates."""
    with database.reading(actor) as session:
        rows = select(RankingModel).options(defer(RankingModel.kept))
        return page_of(session, rows, RankingModel.id, page, actions.reply)


@router.post("", status_code=201, responses=documented(Conflict))
def train_model(new: NewModel, actor: Trainer, database: DatabaseDep, once: OnceDep) -> ModelOut:
    """Train a model on the introductions decided up to and including a day.

    The model is not used for ranking until a person releases it. Refused if the day is in the future, or if no
    introduction from a shortlist has been decided by that day.
    """
    with database.writing(actor) as session:
        model = once(
            session,
            actor,
            lambda: actions.train_model(session, actor, new.until or actor.today),
            lambda made: queries.model(session, made),
        )
        return actions.reply(model)


@router.get("/{model_id}", responses=documented(NotFound))
def get_model(model_id: UUID, actor: Reader, database: DatabaseDep) -> ModelOut:
    """Return one model with its figures and release gates."""
    with database.reading(actor) as session:
        return actions.reply(queries.model(session, model_id))


@router.post("/{model_id}/assess", responses=documented(NotFound, Conflict))
def assess_model(model_id: UUID, actor: Trainer, database: DatabaseDep, once: OnceDep) -> ModelOut:
    """Measure the model on cases it did not learn from, overall and by group. Check if it passes each release gate.

    Refused if the model has been released or retired.
    """
    with database.writing(actor) as session:
        model = once(
            session,
            actor,
            lambda: actions.assess(session, actor, queries.model(session, model_id)),
            lambda made: queries.model(session, made),
        )
        return actions.reply(model)


@router.post("/{model_id}/release", responses=documented(NotFound, Conflict))
def release_model(
    model_id: UUID, decision: ModelDecision, actor: Releaser, database: DatabaseDep, once: OnceDep
) -> ModelOut:
    """Use the model for ranking from now on, and retire the model that was used until now.

    Refused if a release gate is not passed, or if the model in use has changed since this model was assessed.
    """
    with database.writing(actor) as session:
        model = once(
            session,
            actor,
            lambda: actions.release(session, actor, queries.model(session, model_id), decision.reason),
            lambda made: queries.model(session, made),
        )
        return actions.reply(model)


@router.post("/{model_id}/retire", responses=documented(NotFound, Conflict))
def retire_model(
    model_id: UUID, decision: ModelDecision, actor: Releaser, database: DatabaseDep, once: OnceDep
) -> ModelOut:
    """Retire the model. If it was in use, the expert weights are used until another model is released.

    Refused if the model is already retired.
    """
    with database.writing(actor) as session:
        model = once(
            session,
            actor,
            lambda: actions.retire(session, actor, queries.model(session, model_id), decision.reason),
            lambda made: queries.model(session, made),
        )
        return actions.reply(model)
