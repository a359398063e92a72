"""What life, school, caring and volunteering have taught, as skills that work asks for, with where each came from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from matching.pairs.text import normalise, title_words


class ExperienceKind(StrEnum):
    """Where an experience comes from."""

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
    """Words that show a skill: one of the first set, and one of the second where there is a second.

    Parameters
    ----------
    first, second : frozenset of str
        Words in lower case and the singular; a cue of several words must stand in the text as they are.
    skills : tuple of str

    Examples
    --------
    >>> Cue(frozenset({"cook"}), frozenset(), ("food preparation",)).is_in("i cook for my family")
    True
    """

    first: frozenset[str]
    second: frozenset[str]
    skills: tuple[str, ...]

    def is_in(self, text: str) -> bool:
        """Return whether a text shows it.

        Parameters
        ----------
        text : str
            As ``title_words`` gives it.

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
    """A skill that an experience shows.

    Parameters
    ----------
    skill : str
    kind : ExperienceKind
    source : str
        The words it was drawn from.
    """

    skill: str
    kind: ExperienceKind
    source: str


# What was not done, or was done for the jobseeker, shows no skill: help that somebody needs must never read as one.
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


def _is_not_shown(text: str) -> bool:
    framed = f" {text} "
    return any(f" {words} " in framed for words in (*NOT_DONE, *DONE_FOR_ME))


def skills_of(experiences: Iterable[Experience], cues: Sequence[Cue]) -> tuple[Drawn, ...]:
    """Return the skills that experiences show, each once, from the first experience that shows it.

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
    found: dict[str, Drawn] = {}
    for experience in experiences:
        text = title_words(experience.text)
        if _is_not_shown(text):
            continue
        for cue in cues:
            if cue.is_in(text):
                for skill in cue.skills:
                    found.setdefault(normalise(skill), Drawn(skill, experience.kind, experience.text.strip()))
    return tuple(found.values())
