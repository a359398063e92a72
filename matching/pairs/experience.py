"""Infer skills from what a jobseeker has done: in everyday life, at school, as a carer, as a volunteer and at work."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from matching.pairs.text import normalise, title_words


class ExperienceKind(StrEnum):
    """Where an experience was gained, such as in a job or at home."""

    LIFE = "life"
    SCHOOL = "school"
    CARING = "caring"
    VOLUNTEERING = "volunteering"
    WORK = "work"


@dataclass(frozen=True, slots=True)
class Experience:
    """Something the jobseeker has done, in their own words.

    Parameters
    ----------
    kind : ExperienceKind
    text : str
    """

    kind: ExperienceKind
    text: str


@dataclass(frozen=True, slots=True)
class Cue:
    """Words that show a skill. A text needs a word from ``first`` and, unless ``second`` is empty, one from ``second``.

    Parameters
    ----------
    first, second : frozenset of str
        Words in lower case and in the singular. A phrase of several words must occur in the text word for word.
    skills : tuple of str
        The skills that these words show.

    Examples
    --------
    >>> Cue(frozenset({"cook"}), frozenset(), ("food preparation",)).is_in("i cook for my family")
    True
    """

    first: frozenset[str]
    second: frozenset[str]
    skills: tuple[str, ...]

    def is_in(self, text: str) -> bool:
        """Return whether a text contains the words of this cue.

        Parameters
        ----------
        text : str
            As ``title_words`` returns it.

        Returns
        -------
        bool
        """
        framed = f" {text} "
        return any(f" {w} " in framed for w in self.first) and (
            not self.second or any(f" {w} " in framed for w in self.second)
        )


@dataclass(frozen=True, slots=True)
class Drawn:
    """A skill inferred from an experience.

    Parameters
    ----------
    skill : str
    kind : ExperienceKind
    source : str
        The jobseeker's words that show the skill.
    """

    skill: str
    kind: ExperienceKind
    source: str


# Words of a text that says what the jobseeker cannot do, or what was done for the jobseeker. Such a text shows no
# skill: needing help must never be read as a skill.
NOT_DONE = (
    "can't",
    "cannot",
    "can not",
    "couldn't",
    "could not",
    "don't",
    "do not",
    "didn't",
    "did not",
    "never",
    "unable",
    "not able",
    "no longer",
    "struggle",
    "struggled",
    "hard for me",
)
DONE_FOR_ME = ("me", "help me", "my carer", "my support worker", "my social worker", "for me")


def _is_missing(text: str) -> bool:
    framed = f" {text} "
    return any(f" {words} " in framed for words in (*NOT_DONE, *DONE_FOR_ME))


def skills_of(experiences: Iterable[Experience], cues: Sequence[Cue]) -> tuple[Drawn, ...]:
    """Return the skills that experiences show, each skill once, with the first experience that shows it.

    Parameters
    ----------
    experiences : iterable of Experience
    cues : sequence of Cue

    Returns
    -------
    tuple of Drawn

    Examples
    --------
    >>> cues = [Cue(frozenset({"nan", "mum"}), frozenset({"looked after", "care"}), ("caring for people",))]
    >>> [drawn.skill for drawn in skills_of([Experience(ExperienceKind.CARING, "Looked after my nan")], cues)]
    ['caring for people']
    """
    skills: dict[str, Drawn] = {}
    for experience in experiences:
        text = title_words(experience.text)
        if _is_missing(text):
            continue
        for cue in cues:
            if cue.is_in(text):
                for skill in cue.skills:
                    skills.setdefault(normalise(skill), Drawn(skill, experience.kind, experience.text.strip()))
    return tuple(skills.values())
