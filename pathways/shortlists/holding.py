"""What this feature keeps about a person."""

from pathways.holdings import Held, Holding, fact_entry
from pathways.jobseekers.holding import plainly
from pathways.shortlists.models import Shortlist, ShortlistMatch
from pathways.shortlists.schemas import MatchRecord, ShortlistRecord

HOLDING = Holding(
    "shortlists",
    (
        Held(
            Shortlist,
            plainly(ShortlistRecord),
            fact_entry("shortlist", lambda s: f"Shortlist: {s.eligible} of {s.looked_at} placements fit."),
        ),
        Held(ShortlistMatch, plainly(MatchRecord)),
    ),
)
