"""Pairs of records in which only the given names speak against one person, and these may be one name badly heard."""

from matching.people.compare import FIELDS, Born, Field, parts_of
from matching.people.heard import is_faintly_alike
from matching.people.identity import Identity
from matching.people.names import Alike


def is_doubtful(first: Identity, second: Identity, levels: tuple[int, ...]) -> bool:
    """Return whether only the given names speak against one person, and these may be one name badly heard.

    Parameters
    ----------
    first, second : Identity
    levels : tuple of int

    Returns
    -------
    bool
        False if an identifier differs, because then more than a name speaks against it.

    Examples
    --------
    >>> from matching.people.compare import compare
    >>> one = Identity("1", "Iseult", "Byrne", born="20020526")
    >>> other, twin = (Identity("2", name, "Byrne", born="20020526") for name in ("Isolde", "Maeve"))
    >>> is_doubtful(one, other, compare(one, other)), is_doubtful(one, twin, compare(one, twin))
    (True, False)
    """
    of = dict(zip(FIELDS, levels, strict=True))
    parts = parts_of(of[Field.NAME])
    if of[Field.BORN] != Born.SAME or parts is None or parts[1] < Alike.CLOSE or parts[0] is Alike.UNKNOWN:
        return False
    if any(second.identifiers.get(kind, value) != value for kind, value in first.identifiers.items()):
        return False
    ours = {*first.names[0].split(), *first.also.split()}
    theirs = {*second.names[0].split(), *second.also.split()}
    return any(is_faintly_alike(one, other) for one in ours for other in theirs)
