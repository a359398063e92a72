"""What matching keeps: taxonomy, safety exclusions, confirmed words, models, allocations, propensities.

Revision: 50efff20953a
After: 29a7ebc49e5b
"""

import sqlalchemy as sa
from alembic import op

revision = "50efff20953a"
down_revision = "29a7ebc49e5b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "concepts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("uri", sa.String(length=300), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("skill", "occupation", "skill_group", name="conceptkind", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("preferred", sa.String(length=500), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("code", sa.String(length=80), nullable=True),
        sa.Column("reuse_level", sa.String(length=80), nullable=True),
        sa.CheckConstraint("kind IN ('skill', 'occupation', 'skill_group')", name=op.f("ck_concepts_kind_is_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concepts")),
        sa.UniqueConstraint("uri", name=op.f("uq_concepts_uri")),
    )
    op.create_table(
        "ranking_models",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column(
            "state",
            sa.Enum("trained", "assessed", "released", "retired", name="modelstate", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("kept", sa.LargeBinary(), nullable=False),
        sa.Column("manifest", sa.JSON(), nullable=False),
        sa.Column("assessment", sa.JSON(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('trained', 'assessed', 'released', 'retired')", name=op.f("ck_ranking_models_state_is_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ranking_models")),
        sa.UniqueConstraint("name", name=op.f("uq_ranking_models_name")),
    )
    with op.batch_alter_table("ranking_models", schema=None) as batch_op:
        batch_op.create_index(
            "uq_ranking_models_one_released",
            ["state"],
            unique=True,
            sqlite_where=sa.text("state = 'released'"),
            postgresql_where=sa.text("state = 'released'"),
        )

    op.create_table(
        "allocations",
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("proposed_on", sa.Date(), nullable=False),
        sa.Column("model_version", sa.String(length=80), nullable=False),
        sa.Column("policy", sa.JSON(), nullable=False),
        sa.Column("looked_at", sa.Integer(), nullable=False),
        sa.Column("placements", sa.Integer(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("valid_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "api", "page", "command_line", "import", "demonstration", name="source", native_enum=False, length=40
            ),
            nullable=False,
        ),
        sa.Column("is_withdrawal", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("supersedes", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_allocations_by")),
        sa.ForeignKeyConstraint(["partner_id"], ["organisations.id"], name=op.f("fk_allocations_partner_id")),
        sa.ForeignKeyConstraint(["supersedes"], ["allocations.id"], name=op.f("fk_allocations_supersedes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocations")),
        sa.UniqueConstraint("partner_id", "id", name=op.f("uq_allocations_partner_id_id")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_allocations_supersedes")),
    )
    with op.batch_alter_table("allocations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_allocations_recorded_at"), ["recorded_at"], unique=False)

    op.create_table(
        "concept_labels",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("concept_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.String(length=500), nullable=False),
        sa.Column("key", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["concept_id"], ["concepts.id"], name=op.f("fk_concept_labels_concept_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concept_labels")),
        sa.UniqueConstraint("concept_id", "label", name=op.f("uq_concept_labels_concept_id_label")),
    )
    with op.batch_alter_table("concept_labels", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_concept_labels_key"), ["key"], unique=False)

    op.create_table(
        "concept_relations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("from_id", sa.Uuid(), nullable=False),
        sa.Column("to_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("broader", "essential", "optional", name="relationkind", native_enum=False, length=40),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('broader', 'essential', 'optional')", name=op.f("ck_concept_relations_kind_is_known")
        ),
        sa.ForeignKeyConstraint(["from_id"], ["concepts.id"], name=op.f("fk_concept_relations_from_id")),
        sa.ForeignKeyConstraint(["to_id"], ["concepts.id"], name=op.f("fk_concept_relations_to_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concept_relations")),
        sa.UniqueConstraint("from_id", "to_id", "kind", name=op.f("uq_concept_relations_from_id_to_id_kind")),
    )
    with op.batch_alter_table("concept_relations", schema=None) as batch_op:
        batch_op.create_index("ix_concept_relations_to_id", ["to_id"], unique=False)

    op.create_table(
        "ranking_model_moves",
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.String(length=300), nullable=False),
        sa.Column("from_state", sa.String(length=300), nullable=True),
        sa.Column("to_state", sa.String(length=300), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("valid_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "api", "page", "command_line", "import", "demonstration", name="source", native_enum=False, length=40
            ),
            nullable=False,
        ),
        sa.Column("is_withdrawal", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("supersedes", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_ranking_model_moves_by")),
        sa.ForeignKeyConstraint(["model_id"], ["ranking_models.id"], name=op.f("fk_ranking_model_moves_model_id")),
        sa.ForeignKeyConstraint(
            ["supersedes"], ["ranking_model_moves.id"], name=op.f("fk_ranking_model_moves_supersedes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ranking_model_moves")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_ranking_model_moves_supersedes")),
    )
    with op.batch_alter_table("ranking_model_moves", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ranking_model_moves_model_id"), ["model_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ranking_model_moves_recorded_at"), ["recorded_at"], unique=False)

    op.create_table(
        "allocation_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("allocation_id", sa.Uuid(), nullable=False),
        sa.Column("placement_id", sa.Uuid(), nullable=True),
        sa.Column("first_choice_id", sa.Uuid(), nullable=True),
        sa.Column("changed_to_id", sa.Uuid(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "proposed", "accepted", "changed", "rejected", "without", name="linestate", native_enum=False, length=40
            ),
            nullable=False,
        ),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("rank_of_own", sa.Integer(), nullable=True),
        sa.Column("could_go_to", sa.Integer(), nullable=False),
        sa.Column("need_facts", sa.JSON(), nullable=False),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("jobseeker_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(state = 'changed') = (changed_to_id IS NOT NULL)",
            name=op.f("ck_allocation_lines_changed_names_a_placement"),
        ),
        sa.CheckConstraint(
            "state <> 'without' OR placement_id IS NULL", name=op.f("ck_allocation_lines_without_has_no_placement")
        ),
        sa.CheckConstraint(
            "state IN ('proposed', 'accepted', 'changed', 'rejected', 'without')",
            name=op.f("ck_allocation_lines_state_is_known"),
        ),
        sa.ForeignKeyConstraint(["changed_to_id"], ["placements.id"], name=op.f("fk_allocation_lines_changed_to_id")),
        sa.ForeignKeyConstraint(
            ["first_choice_id"], ["placements.id"], name=op.f("fk_allocation_lines_first_choice_id")
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "allocation_id"],
            ["allocations.partner_id", "allocations.id"],
            name=op.f("fk_allocation_lines_partner_id_allocation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_allocation_lines_partner_id_jobseeker_id"),
        ),
        sa.ForeignKeyConstraint(["placement_id"], ["placements.id"], name=op.f("fk_allocation_lines_placement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation_lines")),
        sa.UniqueConstraint("partner_id", "id", name=op.f("uq_allocation_lines_partner_id_id")),
    )
    with op.batch_alter_table("allocation_lines", schema=None) as batch_op:
        batch_op.create_index("ix_allocation_lines_person", ["partner_id", "jobseeker_id"], unique=False)

    op.create_table(
        "confirmed_words",
        sa.Column(
            "kind", sa.Enum("skill", "occupation", name="wordkind", native_enum=False, length=40), nullable=False
        ),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("uri", sa.String(length=300), nullable=True),
        sa.Column("label", sa.String(length=300), nullable=True),
        sa.Column("offered", sa.JSON(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("jobseeker_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("valid_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "api", "page", "command_line", "import", "demonstration", name="source", native_enum=False, length=40
            ),
            nullable=False,
        ),
        sa.Column("is_withdrawal", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("supersedes", sa.Uuid(), nullable=True),
        sa.CheckConstraint("kind IN ('skill', 'occupation')", name=op.f("ck_confirmed_words_kind_is_known")),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_confirmed_words_by")),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_confirmed_words_partner_id_jobseeker_id"),
        ),
        sa.ForeignKeyConstraint(["supersedes"], ["confirmed_words.id"], name=op.f("fk_confirmed_words_supersedes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_confirmed_words")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_confirmed_words_supersedes")),
    )
    with op.batch_alter_table("confirmed_words", schema=None) as batch_op:
        batch_op.create_index("ix_confirmed_words_person", ["partner_id", "jobseeker_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_confirmed_words_recorded_at"), ["recorded_at"], unique=False)

    op.create_table(
        "safety_exclusions",
        sa.Column(
            "kind",
            sa.Enum("organisation", "person", "area", name="exclusionkind", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("social_enterprise_id", sa.Uuid(), nullable=True),
        sa.Column("who_sealed", sa.String(length=300), nullable=True),
        sa.Column("who_hash", sa.String(length=80), nullable=True),
        sa.Column("postcode", sa.String(length=80), nullable=True),
        sa.Column("easting", sa.Integer(), nullable=True),
        sa.Column("northing", sa.Integer(), nullable=True),
        sa.Column("radius_km", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("jobseeker_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("valid_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "api", "page", "command_line", "import", "demonstration", name="source", native_enum=False, length=40
            ),
            nullable=False,
        ),
        sa.Column("is_withdrawal", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("supersedes", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'area') = (postcode IS NOT NULL AND radius_km IS NOT NULL)",
            name=op.f("ck_safety_exclusions_area_is_named"),
        ),
        sa.CheckConstraint(
            "(kind = 'organisation') = (social_enterprise_id IS NOT NULL)",
            name=op.f("ck_safety_exclusions_organisation_is_named"),
        ),
        sa.CheckConstraint(
            "(kind = 'person') = (who_sealed IS NOT NULL)", name=op.f("ck_safety_exclusions_person_is_named")
        ),
        sa.CheckConstraint(
            "kind IN ('organisation', 'person', 'area')", name=op.f("ck_safety_exclusions_kind_is_known")
        ),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_safety_exclusions_by")),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_safety_exclusions_partner_id_jobseeker_id"),
        ),
        sa.ForeignKeyConstraint(
            ["social_enterprise_id"], ["organisations.id"], name=op.f("fk_safety_exclusions_social_enterprise_id")
        ),
        sa.ForeignKeyConstraint(["supersedes"], ["safety_exclusions.id"], name=op.f("fk_safety_exclusions_supersedes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_safety_exclusions")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_safety_exclusions_supersedes")),
    )
    with op.batch_alter_table("safety_exclusions", schema=None) as batch_op:
        batch_op.create_index("ix_safety_exclusions_person", ["partner_id", "jobseeker_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_safety_exclusions_recorded_at"), ["recorded_at"], unique=False)

    op.create_table(
        "allocation_line_moves",
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("jobseeker_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.String(length=300), nullable=False),
        sa.Column("from_state", sa.String(length=300), nullable=True),
        sa.Column("to_state", sa.String(length=300), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("valid_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "api", "page", "command_line", "import", "demonstration", name="source", native_enum=False, length=40
            ),
            nullable=False,
        ),
        sa.Column("is_withdrawal", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("supersedes", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_allocation_line_moves_by")),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_allocation_line_moves_partner_id_jobseeker_id"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "line_id"],
            ["allocation_lines.partner_id", "allocation_lines.id"],
            name=op.f("fk_allocation_line_moves_partner_id_line_id"),
        ),
        sa.ForeignKeyConstraint(
            ["supersedes"], ["allocation_line_moves.id"], name=op.f("fk_allocation_line_moves_supersedes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation_line_moves")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_allocation_line_moves_supersedes")),
    )
    with op.batch_alter_table("allocation_line_moves", schema=None) as batch_op:
        batch_op.create_index("ix_allocation_line_moves_person", ["partner_id", "jobseeker_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_allocation_line_moves_recorded_at"), ["recorded_at"], unique=False)

    with op.batch_alter_table("profile_versions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("experiences", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("barriers", sa.JSON(), nullable=True))

    with op.batch_alter_table("shortlist_matches", schema=None) as batch_op:
        batch_op.add_column(sa.Column("propensity", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("jobseeker_side", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("placement_side", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("score_low", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("score_high", sa.Double(), nullable=True))

    with op.batch_alter_table("shortlists", schema=None) as batch_op:
        batch_op.add_column(sa.Column("below", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("seed", sa.String(length=80), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("shortlists", schema=None) as batch_op:
        batch_op.drop_column("seed")
        batch_op.drop_column("below")

    with op.batch_alter_table("shortlist_matches", schema=None) as batch_op:
        batch_op.drop_column("score_high")
        batch_op.drop_column("score_low")
        batch_op.drop_column("placement_side")
        batch_op.drop_column("jobseeker_side")
        batch_op.drop_column("propensity")

    with op.batch_alter_table("profile_versions", schema=None) as batch_op:
        batch_op.drop_column("barriers")
        batch_op.drop_column("experiences")

    with op.batch_alter_table("allocation_line_moves", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_allocation_line_moves_recorded_at"))
        batch_op.drop_index("ix_allocation_line_moves_person")

    op.drop_table("allocation_line_moves")
    with op.batch_alter_table("safety_exclusions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_safety_exclusions_recorded_at"))
        batch_op.drop_index("ix_safety_exclusions_person")

    op.drop_table("safety_exclusions")
    with op.batch_alter_table("confirmed_words", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_confirmed_words_recorded_at"))
        batch_op.drop_index("ix_confirmed_words_person")

    op.drop_table("confirmed_words")
    with op.batch_alter_table("allocation_lines", schema=None) as batch_op:
        batch_op.drop_index("ix_allocation_lines_person")

    op.drop_table("allocation_lines")
    with op.batch_alter_table("ranking_model_moves", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ranking_model_moves_recorded_at"))
        batch_op.drop_index(batch_op.f("ix_ranking_model_moves_model_id"))

    op.drop_table("ranking_model_moves")
    with op.batch_alter_table("concept_relations", schema=None) as batch_op:
        batch_op.drop_index("ix_concept_relations_to_id")

    op.drop_table("concept_relations")
    with op.batch_alter_table("concept_labels", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_concept_labels_key"))

    op.drop_table("concept_labels")
    with op.batch_alter_table("allocations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_allocations_recorded_at"))

    op.drop_table("allocations")
    with op.batch_alter_table("ranking_models", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_ranking_models_one_released",
            sqlite_where=sa.text("state = 'released'"),
            postgresql_where=sa.text("state = 'released'"),
        )

    op.drop_table("ranking_models")
    op.drop_table("concepts")
