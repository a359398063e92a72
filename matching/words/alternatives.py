"""A title that lists several jobs, taken apart: "cooks and kitchen porters", "sales and marketing managers"."""

import re
from collections import Counter
from collections.abc import Iterable

from matching.words.wording import fold, lemmas_of

MOST_JOBS = 12
# In labels, a word that ends the job's name in at least two cases of five can stand for a job alone.
SHARE_OF_JOB = 0.4
OF_UNSEEN_AGENT = 0.5
AGENT = re.compile(r"(er|or|ist|ian|ant|man|men)$")
LIST = re.compile(r",|;|/|--|\band\b|\bor\b")
TAIL = re.compile(r"\b(?:in|of|for|at|on|with)\b|,")


class Alternatives:
    """Takes titles apart, having learned from labels which words name a job ("manager") and which qualify one.

    Parameters
    ----------
    labels : iterable of str

    Examples
    --------
    >>> apart = Alternatives(["sales manager", "marketing manager", "cook", "sales assistant"])
    >>> apart.jobs("sales and marketing managers")
    [['sales', 'manager'], ['marketing', 'manager']]
    >>> apart.jobs("cook")
    [['cook']]
    """

    def __init__(self, labels: Iterable[str]) -> None:
        last: Counter[str] = Counter()
        every: Counter[str] = Counter()
        for label in labels:
            last.update(lemmas_of(TAIL.split(fold(label))[0])[-1:])
            every.update(lemmas_of(label))
        self._share = {word: (last[word] + 0.2) / (count + 1) for word, count in every.items()}

    def _is_job(self, word: str) -> bool:
        unseen = OF_UNSEEN_AGENT if AGENT.search(word) else 0.0
        return self._share.get(word, unseen) >= SHARE_OF_JOB

    def jobs(self, title: str) -> list[list[str]]:
        """Return the lemmas of each job that a title lists.

        Parameters
        ----------
        title : str
            Cleaned.

        Returns
        -------
        list of list of str
            The whole title's alone if it lists none; at most 12.
        """
        parts = [words for part in LIST.split(title) if (words := lemmas_of(part))]
        if len(parts) <= 1:
            return [lemmas_of(title)]
        found = self._joined(parts, self._following(parts))
        distinct = [list(words) for words in dict.fromkeys(map(tuple, found))]
        return distinct[:MOST_JOBS] or [lemmas_of(title)]

    def _following(self, parts: list[list[str]]) -> list[str | None]:
        """Return for each part the job that it or the next part with one names."""
        following: list[str | None] = []
        job: str | None = None
        for words in reversed(parts):
            job = words[-1] if self._is_job(words[-1]) else job
            following.append(job)
        return following[::-1]

    def _joined(self, parts: list[list[str]], following: list[str | None]) -> list[list[str]]:
        """Give each part that only qualifies a job the job after it, else the one before it."""
        found: list[list[str]] = []
        before: str | None = None
        qualifiers: list[str] = []
        for words, after in zip(parts, following, strict=True):
            if self._is_job(words[-1]):
                if len(words) == 1 and qualifiers:
                    found.append(qualifiers + words)
                found.append(words)
                before, qualifiers = words[-1], words[:-1] or qualifiers
            elif after:
                found.append([*words, after])
            elif before:
                found.append([*words, *qualifiers, before])
        return found
