"""Imports the models of every table and what acts before every commit, for migrations and the command line."""

from pathways import audit, idempotency, key_checks
from pathways.access import models as access
from pathways.allocations import models as allocations
from pathways.base import Base
from pathways.claims import models as claims
from pathways.drafts import models as drafts
from pathways.duplicates import models as duplicates
from pathways.enrolments import models as enrolments
from pathways.exports import models as exports
from pathways.imports import models as imports
from pathways.introductions import models as introductions
from pathways.jobseekers import models as jobseekers
from pathways.messages import models as messages
from pathways.organisations import models as organisations
from pathways.partner_enquiries import models as elsewhere
from pathways.placements import models as placements
from pathways.programmes import models as programmes
from pathways.progression import models as progression
from pathways.protection import actions as protection
from pathways.reference import models as taxonomy
from pathways.reference import outcome_rules, postcodes, timetables
from pathways.referrals import models as referrals
from pathways.shortlists import models as shortlists
from pathways.sign_in import models as sign_in
from pathways.support import models as support

MODULES = (
    access,
    allocations,
    audit,
    claims,
    drafts,
    duplicates,
    elsewhere,
    enrolments,
    exports,
    idempotency,
    imports,
    introductions,
    jobseekers,
    key_checks,
    messages,
    organisations,
    outcome_rules,
    placements,
    postcodes,
    timetables,
    programmes,
    progression,
    referrals,
    shortlists,
    sign_in,
    support,
    taxonomy,
)
METADATA = Base.metadata
BEFORE_EVERY_COMMIT = (protection.protect_restricted,)
