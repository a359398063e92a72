"""Learn which words can replace each other, from the labels and descriptions of concepts (IBM model 1).

The labels of a concept are treated as translations of each other, so a synonym in another label can explain a word.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matching.words.postings import Postings

LEAST = 0.004  # Translations less likely than this are dropped. Most are, and they do not change the ranking.
DISCOUNT = 0.1  # subtracted from each expected count, so that pairs that occur by chance disappear


def learn_translations(labels: Sequence[Sequence[int]], owner: NDArray[np.int32], n_lemmas: int) -> Postings:
    """Learn which words replace each other in the labels of the same concept.

    Parameters
    ----------
    labels : sequence of sequence of int
        The lemmas of each label. The labels of a concept are consecutive.
    owner : ndarray of int of shape (n_labels,)
        The concept of each label.
    n_lemmas : int

    Returns
    -------
    Postings
        For each word, the words that translate to it, and the probability of each translation.

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
        label_count = Counter(lemma for lemmas in group for lemma in lemmas)
        bag = np.array(sorted(label_count), np.int64)
        times = np.array([label_count[lemma] for lemma in sorted(label_count)])
        for lemmas in group:
            # A word may explain itself only if another label of the concept also has the word.
            others = bag[times > np.isin(bag, lemmas)]
            pieces += [word * n_lemmas + others for word in lemmas]
    used = np.bincount(np.concatenate([lemmas for group in groups for lemmas in group]), minlength=n_lemmas)
    return _expected(pieces, n_lemmas, 0.3 * (used / used.sum()), rounds=6)


def learn_glosses(labels: Postings, descriptions: Postings, noise: NDArray[np.float32]) -> Postings:
    """Learn which words of descriptions predict which words of labels.

    Parameters
    ----------
    labels, descriptions : Postings
        For each concept, the lemmas of its labels and of its description.
    noise : ndarray of shape (n_lemmas,)
        Share of each lemma among the words of labels.

    Returns
    -------
    Postings
        For each word of labels, the words of descriptions that predict it, and the probability of each prediction.

    Examples
    --------
    >>> words = Postings.build(np.array([0, 1]), np.array([0, 1]), np.ones(2), 2)
    >>> learn_glosses(words, words, np.full(2, 0.1, np.float32)).items_of(1)
    array([1])
    """
    pieces: list[NDArray[np.int64]] = []
    for concept in range(len(labels.start) - 1):
        described = descriptions.items_of(concept)
        pieces += [word * len(noise) + described for word in labels.items_of(concept)]
    return _expected(pieces, len(noise), 3.0 * noise, rounds=5)


def _expected(
    pieces: list[NDArray[np.int64]], n_lemmas: int, unexplained: NDArray[np.floating], rounds: int
) -> Postings:
    """Estimate by expectation maximisation how likely each source is to explain each target. Each row is a target.

    Each piece pairs one word (the target) with all words that may explain it (the sources). A pair is one number:
    target * n_lemmas + source. ``unexplained`` is each target's weight for having no source.
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
