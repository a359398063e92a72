"""Which words stand for which others, learned from labels and descriptions of one concept (IBM model 1).

Labels of a concept are read as translations of one another, so a word that is missing is explained by its synonyms.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matching.words.postings import Postings

LEAST = 0.004  # A rarer translation adds nothing that the ranking can see, and most pairs are rarer.
DISCOUNT = 0.1  # taken off each expected count, so that chance meetings die out


def learn_translations(labels: Sequence[Sequence[int]], owner: NDArray[np.int32], n_lemmas: int) -> Postings:
    """Learn which word stands for which inside one concept.

    Parameters
    ----------
    labels : sequence of sequence of int
        The lemmas of each label, the labels of one concept side by side.
    owner : ndarray of int of shape (n_labels,)
        The concept of each label.
    n_lemmas : int

    Returns
    -------
    Postings
        For each word, the words that give it and how likely they do.

    References
    ----------
    .. [1] Brown, Della Pietra, Della Pietra, Mercer, "The mathematics of statistical machine translation",
       Computational Linguistics 19(2), 1993, section 4.1.

    Examples
    --------
    >>> given = learn_translations([[0, 2], [1, 2], [0, 3], [1, 3]], np.array([0, 0, 1, 1], np.int32), 4)
    >>> bool(0 in given.items_of(1))
    True
    """
    groups: list[list[list[int]]] = [[] for _ in range(int(owner.max()) + 1)]
    for lemmas, concept in zip(labels, owner, strict=True):
        groups[concept].append(sorted(set(lemmas)))
    pieces: list[NDArray[np.int64]] = []
    for group in groups:
        held = Counter(lemma for lemmas in group for lemma in lemmas)
        bag = np.array(sorted(held), np.int64)
        times = np.array([held[lemma] for lemma in sorted(held)])
        for lemmas in group:
            # A word may explain itself only from another label.
            others = bag[times > np.isin(bag, lemmas)]
            pieces += [word * n_lemmas + others for word in lemmas]
    used = np.bincount(np.concatenate([lemmas for group in groups for lemmas in group]), minlength=n_lemmas)
    return _expected(pieces, n_lemmas, 0.3 * (used / used.sum()), rounds=6)


def learn_glosses(labels: Postings, descriptions: Postings, noise: NDArray[np.float32]) -> Postings:
    """Learn which words of descriptions foretell which words of labels.

    Parameters
    ----------
    labels, descriptions : Postings
        For each concept, the lemmas of its labels and of its description.
    noise : ndarray of shape (n_lemmas,)
        How often each lemma stands in labels, as a share.

    Returns
    -------
    Postings
        For each word of labels, the words of descriptions that give it and how likely they do.

    Examples
    --------
    >>> one = Postings.build(np.array([0, 1]), np.array([0, 1]), np.ones(2), 2)
    >>> learn_glosses(one, one, np.full(2, 0.1, np.float32)).items_of(1)
    array([1])
    """
    pieces: list[NDArray[np.int64]] = []
    for concept in range(len(labels.start) - 1):
        told = descriptions.items_of(concept)
        pieces += [word * len(noise) + told for word in labels.items_of(concept)]
    return _expected(pieces, len(noise), 3.0 * noise, rounds=5)


def _expected(
    pieces: list[NDArray[np.int64]], n_lemmas: int, unexplained: NDArray[np.floating], rounds: int
) -> Postings:
    """Maximise the likelihood of words given their sources; each piece is one word with all that may explain it.

    A pair is one number: target * n_lemmas + source.
    """
    keys, index = np.unique(np.concatenate(pieces), return_inverse=True)
    event = np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces])
    target, source = keys // n_lemmas, keys % n_lemmas
    chance = np.ones(len(keys))
    for _ in range(rounds):
        share = chance[index]
        total = np.bincount(event, share, minlength=len(pieces))
        share /= total[event] + unexplained[target[index]]
        counts = np.maximum(np.bincount(index, share, minlength=len(keys)) - DISCOUNT, 0.0)
        chance = counts / (np.bincount(source, counts, minlength=n_lemmas)[source] + 1.0)
    keep = chance > LEAST
    return Postings.build(target[keep], source[keep], chance[keep], n_lemmas)
