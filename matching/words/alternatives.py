"""Split a title that lists several jobs, such as "cooks and kitchen porters" or "sales and marketing managers"."""

import re
from collections import Counter
from collections.abc import Iterable

from matching.words.wording import fold, lemmas_of

MOST_JOBS = 12
# A word names a job if, in at least 40 % of its occurrences in labels, it is the last word of the name of the job.
SHARE_OF_JOB = 0.4
OF_UNSEEN_AGENT = 0.5
AGENT = re.compile(r"(er|or|ist|ian|ant|man|men)$")
LIST = re.compile(r",|;|/|--|\band\b|\bor\b")
TAIL = re.compile(r"\b(?:in|of|for|at|on|with)\b|,")


class Alternatives:
    """Split titles, after learning from labels which words name a job ("manager") and which qualify a job ("sales").

    Parameters
    ----------
    labels : iterable of str

    Examples
    --------
    >>> alternatives = Alternatives(["sales manager", "marketing manager", "cook", "sales assistant"])
    >>> alternatives.jobs("sales and marketing managers")
    [['sales', 'manager'], ['marketing', 'manager']]
    >>> alternatives.jobs("cook")
    [['cook']]
    """

    def __init__(self, labels: Iterable[str]) -> None:
        last: Counter[str] = Counter()
        total: Counter[str] = Counter()
        for label in labels:
            last.update(lemmas_of(TAIL.split(fold(label))[0])[-1:])
            total.update(lemmas_of(label))
        self._share = {word: (last[word] + 0.2) / (count + 1) for word, count in total.items()}

    def _is_job(self, word: str) -> bool:
        unseen = OF_UNSEEN_AGENT if AGENT.search(word) else 0.0
        return self._share.get(word, unseen) >= SHARE_OF_JOB

    def jobs(self, title: str) -> list[list[str]]:
        """Return the lemmas of each job that a title lists.

        Parameters
        ----------
        title : str
            A cleaned title.

        Returns
        -------
        list of list of str
            The lemmas of each job, for at most 12 jobs. A title that is not a list gives one job: all its lemmas.
        """
        parts = [words for part in LIST.split(title) if (words := lemmas_of(part))]
        if len(parts) <= 1:
            return [lemmas_of(title)]
        joined = self._joined(parts, self._following(parts))
        distinct = [list(words) for words in dict.fromkeys(map(tuple, joined))]
        return distinct[:MOST_JOBS] or [lemmas_of(title)]

    def _following(self, parts: list[list[str]]) -> list[str | None]:
        """Return for each part the job that it names, or else the job of the next part that names one, or else None."""
        following: list[str | None] = []
        job: str | None = None
        for words in reversed(parts):
            job = words[-1] if self._is_job(words[-1]) else job
            following.append(job)
        return following[::-1]

    def _joined(self, parts: list[list[str]], following: list[str | None]) -> list[list[str]]:
        """Complete each part that names no job ("sales") with the next job in the title, or else the previous job."""
        joined: list[list[str]] = []
        before: str | None = None
        qualifiers: list[str] = []
        for words, after in zip(parts, following, strict=True):
            if self._is_job(words[-1]):
                if len(words) == 1 and qualifiers:
                    joined.append(qualifiers + words)
                joined.append(words)
                before, qualifiers = words[-1], words[:-1] or qualifiers
            elif after:
                joined.append([*words, after])
            elif before:
                joined.append([*words, *qualifiers, before])
        return joined
