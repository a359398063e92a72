"""Compare a licence that the work needs with the licences a jobseeker holds, as people write them."""

from matching.pairs.text import normalise

# OF_ANY_LICENCE: words that do not say what a licence is for. HOW_HELD: words that describe a licence, such as its
# colour or category, and do not make it a different licence.
OF_ANY_LICENCE = frozenset({"a", "card", "certificate", "full", "level", "licence", "license", "my", "the", "uk"})
HOW_HELD = frozenset(
    {"automatic", "b", "blue", "category", "clean", "current", "gold", "green", "manual", "own", "red", "valid"}
)


def holds_licence(needed: str, held: tuple[str, ...]) -> bool:
    """Return whether the needed licence is among the held ones. A provisional licence does not count as a full licence.

    Parameters
    ----------
    needed : str
    held : tuple of str

    Returns
    -------
    bool

    Examples
    --------
    >>> holds_licence("driving licence", ("provisional driving",))
    False
    >>> holds_licence("Driving licence", ("full driving licence",))
    True
    """
    wanted = set(normalise(needed).split()) - OF_ANY_LICENCE
    return any(_is_licence(wanted, set(normalise(licence).split())) for licence in held)


def _is_licence(wanted: set[str], words: set[str]) -> bool:
    """Return whether ``words`` name the wanted licence. Extra words: only ``HOW_HELD``, ``OF_ANY_LICENCE``, numbers."""
    kind = {word for word in words - OF_ANY_LICENCE if not word.isdigit()}
    if not kind:  # "full UK licence" does not say which kind: in everyday speech, it means a car licence
        return bool(words & {"licence", "license"}) and wanted == {"driving"}
    return wanted <= kind <= wanted | HOW_HELD
