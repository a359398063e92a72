"""Words that must not move a likeness: gendered words, names of people, and names of groups of people."""

import re
from collections.abc import Iterable, Mapping

WORD = re.compile(r"[^\W_]+")


class NeutralWords:
    """What gendered words, names and groups are read as when phrases are compared.

    Parameters
    ----------
    read_as : mapping of str to str
        Words in lower case, each with the word that it is read as, or with an empty text if it is not read.
    groups : iterable of str
        Names of ethnic, national and religious groups and their languages, in lower case. They are not read, but a
        skill or title that names one is only met by words that name it too.

    Examples
    --------
    >>> neutral = NeutralWords({"nan": "grandparent", "priya": ""}, ["polish"])
    >>> neutral.read("nan"), neutral.read("priya"), neutral.without_groups("speaking polish")
    ('grandparent', '', 'speaking')
    """

    def __init__(self, read_as: Mapping[str, str] | None = None, groups: Iterable[str] = ()) -> None:
        self._read_as = dict(read_as or {})
        self._groups = frozenset(groups)

    def read(self, word: str) -> str:
        """Return what a word in lower case is read as.

        Parameters
        ----------
        word : str

        Returns
        -------
        str
            The word itself, a neutral word, or an empty text.
        """
        return self._read_as.get(word, word)

    def groups_in(self, text: str) -> frozenset[str]:
        """Return the groups that a text in lower case names.

        Parameters
        ----------
        text : str

        Returns
        -------
        frozenset of str
        """
        return frozenset(word for word in WORD.findall(text) if word in self._groups) if self._groups else frozenset()

    def without_groups(self, text: str) -> str:
        """Return a text in lower case without the names of groups; the text itself if it has no other word.

        Parameters
        ----------
        text : str

        Returns
        -------
        str
        """
        kept = [word for word in text.split() if word not in self._groups]
        return " ".join(kept) or text
