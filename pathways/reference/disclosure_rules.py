"""The rules of disclosure control in force on a day, from the dated table ``limits``."""

from datetime import date

from pathways.disclosure.suppression import DisclosureRules
from pathways.reference import tables


def rules_on(day: date) -> DisclosureRules:
    """Return the rules in force on a day. Exports, feeds and the monitoring summary use the same rules."""
    return DisclosureRules(
        smallest=int(tables.limit("disclosure_smallest_count", day)),
        base=int(tables.limit("disclosure_rounded_to", day)),
        smallest_whole=int(tables.limit("disclosure_smallest_whole", day)),
    )
