"""What the law says about work at an age below the end of compulsory schooling."""

from datetime import date

from pathways.reference import tables


def too_young(age: int | None, on: date) -> str | None:
    """Return why nobody of an age (in whole years) may work on a day, else None. An unknown age bars nobody."""
    least = int(tables.limit("youngest_to_work", on))
    if age is None or age >= least:
        return None
    return (
        f"By the date of birth, the jobseeker is under {least} on that day, and nobody under {least} may work (Children"
        " and Young Persons Act 1933, section 18). Correct the date of birth or the first day."
    )


def of_school_age(age: int | None, on: date) -> str | None:
    """Return what to check before somebody of an age below the school leaving age works on a day, else None."""
    leaving = int(tables.limit("school_leaving_age", on))
    if age is None or age >= leaving:
        return None
    return too_young(age, on) or (
        f"By the date of birth, the jobseeker is under {leaving} on the first day. A child of school age needs a permit"
        " of the local authority, and may work few hours only (Children and Young Persons Act 1933, section 18). Check"
        " the date of birth, then the permit and the hours."
    )
