"""The phrases of a vocabulary compared by meaning: through the concepts that they are like (see ``nearness``)."""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from matching.pairs.nearness import TENTHS, Label, LabelStack, Meaning, Neighbourhood, Profiles
from matching.pairs.text import doer_in
from matching.words.phrases import denies, stems_of

if TYPE_CHECKING:
    from matching.pairs.vocabulary import Vocabulary

# How much a label that was found counts in a profile of concepts, in thousandths, beside labels that are only like it.
FOUND, OF_SECTOR = 500, 150


class WordsByMeaning:
    """The phrases of a vocabulary compared by meaning: skills with skills, and wishes with titles.

    Parameters
    ----------
    vocabulary : Vocabulary
    meaning : Meaning
    """

    def __init__(self, vocabulary: "Vocabulary", meaning: Meaning) -> None:
        self._vocabulary = vocabulary
        concepts = vocabulary.skill_labels
        self._skills = Neighbourhood(concepts, vocabulary.near)
        number = self._skills.number
        labels = [
            Label(label, number[concept], round(TENTHS * credit))
            for concept, own in concepts.items()
            for label, credit in own.items()
        ]
        self._skill_labels = LabelStack(labels, len(number), meaning)
        kinds = vocabulary.work_labels
        self._work = Neighbourhood(kinds, {pair: near.credit for pair, near in vocabulary.near_work.items()})
        kind_of = self._work.number
        titles = [(title, kind_of[kind]) for kind, own in kinds.items() for title in own]
        said = [
            (phrase, kind_of[kind]) for phrase, own in vocabulary.said_work.items() for kind in own if kind in kind_of
        ]
        self._titles = LabelStack([Label(title, kind) for title, kind in titles], len(kind_of), meaning)
        self._heads = LabelStack(
            [Label(f"{title} {doer_in(title)}", kind) for title, kind in titles], len(kind_of), meaning
        )
        self._said = LabelStack([Label(text, kind) for text, kind in [*titles, *said]], len(kind_of), meaning)
        self._sectors = {
            sector: [kind_of[kind] for kind, value in near.items() if kind in kind_of and value.why == "sector"]
            for sector, near in vocabulary.work_near.items()
            if sector not in kind_of
        }
        self._wanted = lru_cache(maxsize=16)(self._profiles_of_skills)
        self._listed = lru_cache(maxsize=16)(self._profiles_of_titles)

    def skills(self, offered: tuple[str, ...], wanted: tuple[str, ...]) -> NDArray[np.int64]:
        """Return how near each skill that somebody has is to each skill that is wanted.

        Parameters
        ----------
        offered, wanted : tuple of str
            As ``normalise`` returns them.

        Returns
        -------
        ndarray of int64 of shape (n_offered, n_wanted)
            In thousandths. 0 for a phrase that denies something: no vector holds a denial.
        """
        said = tuple("" if denies(stems_of(skill)) else skill for skill in offered)
        return self._skills.likeness(self._weights_of_skills(said), self._wanted(wanted))

    def _profiles_of_skills(self, skills: tuple[str, ...]) -> Profiles:
        return self._skills.profiles(self._weights_of_skills(skills))

    def _weights_of_skills(self, skills: tuple[str, ...]) -> NDArray[np.int64]:
        weights = self._skill_labels.weights(skills)
        for row, skill in enumerate(skills):
            for concept, credit in self._vocabulary.concepts_of_skill(skill).items():
                column = self._skills.number[concept]
                weights[row, column] = max(weights[row, column], round(FOUND * credit))
        return weights

    def work(self, wishes: tuple[str, ...], titles: tuple[str, ...]) -> NDArray[np.int64]:
        """Return how near each listed title is to each wish.

        Parameters
        ----------
        wishes, titles : tuple of str

        Returns
        -------
        ndarray of int64 of shape (n_wishes, n_titles)
            In thousandths.
        """
        weights = self._said.weights(wishes)
        for row, wish in enumerate(wishes):
            for kind in self._vocabulary.concepts_of_wish(wish):
                if kind in self._work.number:
                    column = self._work.number[kind]
                    weights[row, column] = max(weights[row, column], FOUND)
                else:
                    members = self._sectors.get(kind, [])
                    weights[row, members] = np.maximum(weights[row, members], OF_SECTOR)
        return self._work.likeness(weights, self._listed(titles))

    def _profiles_of_titles(self, titles: tuple[str, ...]) -> Profiles:
        parts = [self._vocabulary.parts_of_title(title) for title in titles]
        flat = [part for own in parts for part in own]
        weights = self._titles.weights(flat) + self._heads.weights([f"{part} {doer_in(part)}" for part in flat])
        starts = np.cumsum([0, *(len(own) for own in parts)])[:-1]
        weights = np.maximum.reduceat(weights, starts, axis=0) // 2 if flat else weights
        for row, title in enumerate(titles):
            for kind, credit in self._vocabulary.concepts_of_title(title).items():
                column = self._work.number[kind]
                weights[row, column] = max(weights[row, column], round(FOUND * credit))
        return self._work.profiles(weights)
