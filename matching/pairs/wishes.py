"""Read the words in which people say what work they want: several wishes, no wish yet, and what they do not want."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from matching.words.phrases import plain, stem, stems_of

# Words that say nothing about the kind of work. A wish of such words alone is not known yet.
SAYS_NOTHING = frozenset(stem(word) for word in (
    "a", "about", "actually", "advice", "after", "all", "also", "am", "an", "any", "anyone", "anybody", "anything",
    "anywhere", "are", "as", "ask", "at", "available", "back", "bad", "be", "been", "begin", "being", "best",
    "better", "bit", "bothered", "but", "by", "can", "career", "caseworker", "come", "could", "day", "decide",
    "decided", "depends", "did", "do", "does", "doing", "done", "dont", "don't", "dunno", "earn", "easy", "else",
    "employed", "employment", "enough", "even", "ever", "every", "everything", "excited", "experience", "fair",
    "few", "fine", "first", "fit", "for", "from", "full", "fussed", "fussy", "gave", "get", "getting", "give", "go",
    "goes", "going", "good", "got", "great", "happen", "happy", "hard", "has", "have", "haven't", "havent",
    "having", "her", "here", "him", "his", "honest", "honestly", "hoping", "hours", "how", "i", "i'd", "id",
    "idea", "ideas", "i'll", "ill", "i'm", "im", "i've", "ive", "if", "in", "interest", "interested", "into", "is",
    "isn't", "it", "its", "it's", "job", "jobs", "just", "keep", "keen", "kind", "know", "later", "learn", "leave",
    "least", "let", "life", "like", "likes", "listen", "little", "lol", "long", "look", "looking", "love", "made",
    "make", "many", "matter", "may", "maybe", "me", "might", "mind", "mine", "more", "most", "much",
    "must", "my", "na", "need", "needed", "needs", "never", "new", "no", "nobody", "none", "not", "nothing", "now",
    "nowt", "of", "off", "ok", "okay", "on", "one", "ones", "only", "open", "option", "options", "or", "other",
    "others", "our", "out", "over", "owt", "own", "pay", "paid", "part", "particular", "pass", "picky",
    "pls", "please", "position", "possible", "prefer", "preference", "previous", "probably", "promise", "put",
    "quite", "rather", "ready", "really", "reckon", "right", "role", "say", "see", "seen", "set", "she", "should",
    "so", "some", "someone", "something", "somewhere", "soon", "sort", "start", "steady", "still", "stuff",
    "suggest", "suits", "sure", "take", "taking", "tell", "than", "that", "that's", "thats", "the", "their", "them",
    "then", "there", "they", "thing", "things", "think", "this", "thought", "time", "tho", "though", "to", "told",
    "too", "tried", "try", "trying", "under", "unsure", "until", "up", "us", "useful", "used", "very",
    "wages", "want", "wanted", "wants", "was", "we", "week", "well", "went", "were", "what", "whatever", "what's",
    "whats", "when", "where", "whichever", "which", "while", "who", "why", "will", "willing", "wish", "with",
    "within", "won't", "wont", "work", "worked", "worker", "working", "would", "wouldn't", "wouldnt", "yeah",
    "year", "yes", "yet", "you", "your", "you've", "youve", "anyhow", "tbh", "idk", "dno", "gimme", "gizza", "owt",
    "summat", "sommat", "nae", "nowt", "aught", "cannae", "dinnae",
    "n", "mate", "pal", "clue", "scooby", "notion", "foggiest", "local", "locally", "nearby", "near", "decent",
    "convenient",
)) | {".", ";", "!", "?", "\n"}  # fmt: skip
BREAKS = re.compile(
    r"\s*(?:[,;/\n]|\.\s|\s-\s|\b(?:and|or|else|maybe|perhaps|possibly|otherwise|also|plus|then|but|&)\b)\s*",
    re.IGNORECASE,
)
AGAINST = re.compile(
    r"\b(?:any(?:thing|where|body|one)?\s+(?:but|except|other\s+than|bar)|nothing\s+(?:to\s+do\s+with|with|in|involving|like|at|that)"
    r"|except(?:\s+for)?|apart\s+from|other\s+than|rather\s+not|no\s+more|sick\s+of|fed\s+up\s+(?:of|with)|avoid(?:ing)?"
    r"|(?:do\s+not|don'?t|didn'?t|doesn'?t|would\s+not|wouldn'?t|won'?t|will\s+not|not|never)\s+(?:really\s+)?"
    r"(?:want|wanna|like|fancy|enjoy|keen|into|suit(?:ed)?|interested|go|going|doing|do|work|working|be)\b"
    r"|can(?:'?t|not)\s+(?:stand|face|do|be|work|go|cope)|cannae\s+\w+|hate[sd]?|dislike[sd]?|no\s+way|not(?!\s+(?:just|only))|never|no|nae|without|had\s+enough\s+of)\b[\s:]*",
    re.IGNORECASE,
)
LONGEST_WHOLE = 6  # words of a wish that is also kept whole: "arts and crafts"


class ReadWishes(NamedTuple):
    """What people want to do and what they want to avoid, as separate phrases."""

    wanted: tuple[str, ...]
    avoided: tuple[str, ...]


def says_something(text: str) -> bool:
    """Return whether a phrase says anything about the kind of work.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool

    Examples
    --------
    >>> says_something("anything really, not fussed"), says_something("something with animals")
    (False, True)
    """
    return any(word not in SAYS_NOTHING for word in stems_of(text))


def read_wishes(texts: Iterable[str]) -> ReadWishes:
    """Split what people say into what they want and what they do not want.

    Parameters
    ----------
    texts : iterable of str
        As they were said. "Anything", "not sure yet" and the like give nothing: the wish is not known.

    Returns
    -------
    ReadWishes
        Phrases in the order in which they were said, each once.

    Examples
    --------
    >>> read_wishes(["bike repair or gardening, but not kitchens", "dunno"])
    ReadWishes(wanted=('bike repair', 'gardening'), avoided=('kitchens',))
    >>> read_wishes(["arts and crafts"]).wanted
    ('arts and crafts', 'arts', 'crafts')
    """
    return _read(tuple(texts))


@lru_cache(maxsize=20_000)
def _read(texts: tuple[str, ...]) -> ReadWishes:
    wanted: dict[str, None] = {}
    avoided: dict[str, None] = {}
    for text in texts:
        said = " ".join(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())
        is_against = False
        own: list[str] = []
        pieces = [piece for piece in BREAKS.split(_kept_together(said)) if piece]
        for piece in pieces:
            mark = AGAINST.search(piece)
            before, after = (piece[: mark.start()], piece[mark.end() :]) if mark else (piece, "")
            if says_something(before):
                own.append(before.strip(" .!?"))
            if mark and says_something(after):
                never = "never " if "never" in mark.group().casefold() else ""
                avoided[never + after.strip(" .!?")] = None
                is_against = True
        if len(own) > 1 and not is_against and len(said.split()) <= LONGEST_WHOLE:
            wanted[said] = None
        wanted.update(dict.fromkeys(own))
    return ReadWishes(tuple(wanted), tuple(avoided))


def _kept_together(text: str) -> str:
    """Put "anything but" into one piece, so that its "but" is not taken for a break between two wishes."""
    return re.sub(
        r"\b(any\w*)\s+but\b", r"\1 except", plain(text) if "but" in text.casefold() else text, flags=re.IGNORECASE
    )
