"""Compare skills and occupations as people write them. The likeness of two texts is a number from 0 to 1."""

import re
import unicodedata
from functools import lru_cache

SAME, NEAR = 1.0, 0.7
# Two texts whose letters are less alike than this count as not alike at all. The limit was measured on pairs of labels
# in the starter vocabulary that mean different things but share letters by chance.
CHANCE = 0.78
LONGEST = 300
SHORT = 3  # a word of at most this length, such as "gas" or "bus", is not taken for a plural
# Words of a job title that say how a person is employed, not what the work is. Two titles that share only these words
# are not alike.
ANY_WORK = frozenset(
    {
        "and",
        "apprentice",
        "apprenticeship",
        "assistant",
        "band",
        "bank",
        "for",
        "full",
        "general",
        "grade",
        "helper",
        "in",
        "job",
        "junior",
        "lead",
        "level",
        "manager",
        "member",
        "of",
        "officer",
        "operative",
        "part",
        "permanent",
        "post",
        "role",
        "senior",
        "service",
        "staff",
        "supervisor",
        "support",
        "team",
        "temporary",
        "the",
        "time",
        "trainee",
        "volunteer",
        "with",
        "work",
        "worker",
    }
)


@lru_cache(maxsize=50_000)
def normalise(text: str) -> str:
    """Return a text in lower case, without accents and punctuation.

    Parameters
    ----------
    text : str
        The text as written. Only its first 300 characters are read.

    Returns
    -------
    str
        Words with single spaces; may be empty.

    Examples
    --------
    >>> normalise("Café  Assistant (Part-time)")
    'cafe assistant part time'
    """
    plain = text[:LONGEST]
    if not plain.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    plain = plain.casefold()
    return re.sub(r"[^a-z0-9+#']+", " ", plain).strip()


@lru_cache(maxsize=50_000)
def title_words(title: str) -> str:
    """Return a job title in the form used for comparison: normalised, singular, without any text in brackets.

    Parameters
    ----------
    title : str

    Returns
    -------
    str

    Examples
    --------
    >>> title_words("Cleaners (Bank Hours)")
    'cleaner'
    """
    words = normalise(re.sub(r"\([^)]*\)", " ", title[:LONGEST])).split()
    return " ".join(
        word[:-1] if len(word) > SHORT and word.endswith("s") and word[-2] != "s" else word for word in words
    )


def what_at(title: str) -> str:
    """Return the words of a job title that say what the work is, without the words of ``ANY_WORK``.

    Parameters
    ----------
    title : str
        As ``title_words`` returns it.

    Returns
    -------
    str

    Examples
    --------
    >>> what_at("trainee bike mechanic")
    'bike mechanic'
    """
    return " ".join(word for word in title.split() if word not in ANY_WORK)


# What follows one of these in a title only says more: "Assistant - Specimen Reception", "Cleaner with driving".
SAYS_MORE = re.compile(r"\s+[-\N{EN DASH}|]\s+|\s*[:;]\s*|\s+(?:with|in|at|for)\s+", re.IGNORECASE)
ALSO = re.compile(r"\s*[,/&]\s*|\s+and\s+", re.IGNORECASE)  # between two kinds of work: "Cleaner/Housekeeper"


@lru_cache(maxsize=50_000)
def title_parts(title: str) -> tuple[tuple[str, bool], ...]:
    """Return the parts of a job title, without any text in brackets, each with whether it says what the work is.

    Parameters
    ----------
    title : str

    Returns
    -------
    tuple of (str, bool)

    Examples
    --------
    >>> title_parts("Pathology Assistant (bank) - Specimen Reception")
    (('Pathology Assistant', True), ('Specimen Reception', False))
    >>> title_parts("Cleaner/Housekeeper")
    (('Cleaner', True), ('Housekeeper', True))
    """
    bare = re.sub(r"\([^)]*\)", " ", title[:LONGEST])
    first, *rest = [part.strip() for part in SAYS_MORE.split(bare) if part.strip()] or [""]
    parts = [(part, True) for part in ALSO.split(first) if part] + [(part, False) for part in rest]
    return tuple(parts)


def what_before(title: str) -> str:
    """Return a title without the words at its end that only say how a person is employed.

    Parameters
    ----------
    title : str
        As ``title_words`` returns it.

    Returns
    -------
    str

    Examples
    --------
    >>> what_before("library assistant"), what_before("kitchen porter")
    ('library', 'kitchen porter')
    """
    words = title.split()
    while words and not what_at(words[-1]):
        words.pop()
    return " ".join(words)


# The noun at the end of a title that says who does the work. Other nouns at the end name a place: "bike workshop".
DOER = re.compile(r"(?:er|or|ist|ian|clerk|rep|cook|chef|attendant|consultant|agent|guide|hand|engineer|man|woman)$")


def doer_in(title: str) -> str:
    """Return the noun of a title that says who does the work, or an empty text if there is none.

    Parameters
    ----------
    title : str
        As ``title_words`` returns it.

    Returns
    -------
    str

    Examples
    --------
    >>> doer_in("till system engineer"), doer_in("bike workshop volunteer"), doer_in("kitchen assistant")
    ('engineer', '', '')
    """
    words = what_before(title).split()
    return words[-1] if words and DOER.search(words[-1]) else ""
