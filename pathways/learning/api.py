"""JSON of models."""

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
    """Every model that was trained, with its gates and what was measured of it."""
    with database.reading(actor) as session:
        rows = select(RankingModel).options(defer(RankingModel.kept))
        return page_of(session, rows, RankingModel.id, page, actions.reply)


@router.post("", status_code=201, responses=documented(Conflict))
def train_model(new: NewModel, actor: Trainer, database: DatabaseDep, once: OnceDep) -> ModelOut:
    """Train on what was decided up to a day. It ranks nothing until a person releases it."""
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
    with database.reading(actor) as session:
        return actions.reply(queries.model(session, model_id))


@router.post("/{model_id}/assess", responses=documented(NotFound, Conflict))
def assess_model(model_id: UUID, actor: Trainer, database: DatabaseDep, once: OnceDep) -> ModelOut:
    """Measure it on days held out, whole and by group, and judge its gates."""
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
    """Let it rank from now on: a person's act, possible only behind open gates."""
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
    """Take it out of use; without another, the experts' own weights rank again."""
    with database.writing(actor) as session:
        model = once(
            session,
            actor,
            lambda: actions.retire(session, actor, queries.model(session, model_id), decision.reason),
            lambda made: queries.model(session, made),
        )
        return actions.reply(model)
