"""Conditions of work that people want to avoid or need, and how a listing is read for each of them.

Reading gives one of three answers about each condition. The listing *shows* it, the listing *rules it out*, or the
listing does not say, and somebody has to ask. Only words and times that the listing has count. Likeness of meaning is
never used here, because it cannot tell "no cleaning" from "cleaning".
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from matching.words.phrases import Found, Phrases, longest, plain, stems_of

NIGHT_ENDS, EARLY_BEFORE, LATE_FROM = 5 * 60, 8 * 60, 18 * 60  # minutes after midnight
HALF_OF_DAY = 12
NIGHTFALL = 6  # from six o'clock on, "at night" is before midnight
AT_NIGHT = "night"
CLOCK = re.compile(r"\b(\d{1,2})(?:[.:](\d{2}))?\s?(am|pm|a\.m|p\.m)\b|\b([01]?\d|2[0-3])[.:]([0-5]\d)\b")
HOURS = ("twelve", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven")
SPOKEN = re.compile(
    r"\b(?:at|from|by|until|till|before|after|starts?|starting|begins?|beginning)(?: about| around)? "
    rf"(?:(half|quarter) (past|to) )?(1[0-2]|[1-9]|{'|'.join(HOURS)})(?: o'?clock)?"
    r"(?: (?:in the (morning|afternoon|evening)|at (night)))?(?![\w:.])"
)
MINUTES = {"half": 30, "quarter": 15}
MORNINGS, LATER = 0b001001001001001001001, 0b110110110110110110110  # half-days: every first of three, and the others
# A jobseeker who says one of these words does not only dislike a thing: the work must not include it.
NEVER = ("never", "under no circumstances", "allergic", "allergy", "phobia")


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that work may include: noise, nights, dogs.

    Parameters
    ----------
    name : str
        As a reason names it.
    said : tuple of str
        Phrases with which people name it, without "no" or "not".
    shown : tuple of str
        Phrases of listings that show it.
    ruled_out : tuple of str
        Phrases of listings that say that it is not there, and phrases with which people ask for that.
    half_days : int
        The half-days on which it lies, as 21 bits. 0 if the timetable does not show it.
    within : int
        The half-days outside which it cannot be, as 21 bits. 0 if it can be on any.
    least_hours : float
        The hours a week from which on it is shown. 0 if the hours do not tell.
    clock : str
        ``early``, ``late`` or ``night`` if a time of the clock shows it or rules it out. Otherwise empty.
    titles : tuple of str
        Words of job titles where it is nearly always part of the work.
    also_said : tuple of str
        Further phrases with which people name it. Listings use them in other senses: "checks", "talking".

    Examples
    --------
    >>> Condition("noise", ("noise", "loud"), ("noisy", "busy kitchen"), ("quiet",)).half_days
    0
    """

    name: str
    said: tuple[str, ...]
    shown: tuple[str, ...] = ()
    ruled_out: tuple[str, ...] = ()
    half_days: int = 0
    within: int = 0
    least_hours: float = 0.0
    clock: str = ""
    titles: tuple[str, ...] = ()
    also_said: tuple[str, ...] = ()


class ListingText(NamedTuple):
    """The words and times of a listing that are read for conditions.

    Parameters
    ----------
    title : str
    words : str
        Occupation, environment and skills, one after another, separated by full stops.
    description : str
    half_days : int or None
        21 bits, or None if the listing does not say.
    hours : float or None
        A week, or None if the listing does not say.
    """

    title: str
    words: str = ""
    description: str = ""
    half_days: int | None = None
    hours: float | None = None


class ListingReading(NamedTuple):
    """What a listing says about every condition.

    Parameters
    ----------
    shown, ruled_out : int
        One bit for each condition, in the order of the table.
    text : str
        The stems of its words, with a space at each end of every word, for words that no condition has.
    doubtful : int
        Conditions that it shows in one place and denies in another. They are in neither ``shown`` nor ``ruled_out``.
    """

    shown: int
    ruled_out: int
    text: str
    doubtful: int = 0


class Conditions:
    """The table of conditions.

    Parameters
    ----------
    conditions : iterable of Condition

    Examples
    --------
    >>> table = Conditions([Condition("noise", ("noise",), ("noisy", "busy"), ("quiet",)), Condition("dogs", ("dog",))])
    >>> reading = table.read(ListingText("Kitchen Porter", "busy"))
    >>> table.named_in("no noise"), reading.shown, reading.ruled_out
    ((1,), 1, 0)
    """

    def __init__(self, conditions: Iterable[Condition] = ()) -> None:
        self.conditions = tuple(conditions)
        self._said = self._phrases(lambda condition: (condition.name, *condition.said, *condition.also_said))
        self._named = self._phrases(lambda condition: (condition.name, *condition.said))
        self._shown = self._phrases(lambda condition: condition.shown)
        self._ruled_out = self._phrases(lambda condition: condition.ruled_out)
        self._titles = self._phrases(lambda condition: condition.titles)
        self._timed = [(1 << bit, each) for bit, each in enumerate(self.conditions) if _is_timed(each)]
        self.read = lru_cache(maxsize=200_000)(self._read)
        self.evidence = lru_cache(maxsize=20_000)(self._evidence)
        self.wanted_by = lru_cache(maxsize=50_000)(self._wanted_by)

    def __reduce__(self) -> tuple[type["Conditions"], tuple[object, ...]]:
        """Pickle the table only. Caches are not sent to another process."""
        return Conditions, (self.conditions,)

    def _phrases(self, of: object) -> Phrases:
        return Phrases((phrase, bit) for bit, each in enumerate(self.conditions) for phrase in of(each))  # type: ignore[operator]

    def named_in(self, text: str) -> tuple[int, ...]:
        """Return the conditions that a jobseeker's words name, whether or not the words have a "no" before them.

        Parameters
        ----------
        text : str

        Returns
        -------
        tuple of int
            For each phrase that names conditions, one bit for each of them: "loud" names noise and raised voices.
        """
        stems = stems_of(text)
        # Further words are only looked for where the condition's own words say nothing: a dog is not any animal.
        return _by_span(longest(self._named.find(stems)) or longest(self._said.find(stems)))

    def widely_named_in(self, text: str) -> tuple[int, ...]:
        """Return the conditions that a jobseeker's words name or may name, which count before one is ruled out.

        Parameters
        ----------
        text : str

        Returns
        -------
        tuple of int
            As ``named_in`` returns them.
        """
        return _by_span(longest(self._said.find(stems_of(text))))

    def _wanted_by(self, text: str) -> tuple[int, int]:
        """Return the conditions that wishes for surroundings ask for, and those that they ask to be free of."""
        stems = stems_of(text)
        free = longest(self._ruled_out.find(stems))
        said = _not_in(free, longest(self._said.find(stems)))
        return (
            _bits(found for found in said if not found.is_denied),
            _bits(found for found in said if found.is_denied) | _bits(found for found in free if not found.is_denied),
        )

    def _read(self, listing: ListingText) -> ListingReading:
        title = stems_of(listing.title)
        first = [*title, ".", *stems_of(listing.words), "."]
        stems = [*first, *stems_of(listing.description)]
        free = self._ruled_out.find(stems)
        hits = _not_in(free, [*self._shown.find(stems), *self._named.find(stems)])
        ruled_out = _bits(found for found in free if not found.may_be_denied)
        denied = _bits(found for found in hits if found.is_denied)
        ruled_out |= denied
        shown = _bits(found for found in hits if not found.may_be_denied)
        by_time = self._by_time(listing)
        # What is said of the work, and when it is, weighs more than its title: a bakery may work in the mornings.
        shown |= _bits(self._titles.find(title)) & ~ruled_out & ~by_time[1]
        shown |= by_time[0]
        # Shown in one place and denied in another: somebody has to ask.
        doubtful = shown & denied & ~by_time[0]
        ruled_out = (ruled_out | by_time[1]) & ~shown
        return ListingReading(shown & ~doubtful, ruled_out, f" {' '.join(stems)} ", doubtful)

    def _by_time(self, listing: ListingText) -> tuple[int, int]:
        """Return the conditions that the timetable, the hours and the clock show, and those that they rule out."""
        shown = ruled_out = 0
        text = f"{listing.words}. {listing.description}"
        times, spoken = times_in(text), spoken_times(text, listing.half_days)
        for bit, each in self._timed:
            answer = _timed_answer(each, listing, times, spoken)
            if answer is True:
                shown |= bit
            elif answer is False:
                ruled_out |= bit
        return shown, ruled_out

    def week_of(self, shown: int) -> int:
        """Return the half-days on which work lies of which a listing shows no more than that it is at night, say.

        Parameters
        ----------
        shown : int
            The conditions that the listing shows, one bit for each.

        Returns
        -------
        int
            21 bits; 0 if no condition tells.
        """
        week = 0
        for bit, each in self._timed:
            if bit & shown:
                week |= each.half_days or (each.within if each.clock == AT_NIGHT else 0)
        return week

    @property
    def phrases(self) -> Iterable[str]:
        """All phrases of the table, for a corrector of slips."""
        return (
            phrase
            for each in self.conditions
            for phrase in (each.name, *each.said, *each.also_said, *each.shown, *each.ruled_out)
        )

    def names(self, bits: int) -> tuple[str, ...]:
        """Return the names of conditions.

        Parameters
        ----------
        bits : int

        Returns
        -------
        tuple of str
        """
        return tuple(each.name for bit, each in enumerate(self.conditions) if bits >> bit & 1)

    def _evidence(self, listing: ListingText, bits: int) -> str:
        """Return the first words of a listing that show one of some conditions; empty if only its times do."""
        for text in (listing.title, listing.words, listing.description):
            words = text.split()
            for start in range(len(words)):
                for end in range(start + 1, min(start + 6, len(words)) + 1):
                    stems = stems_of(" ".join(words[start:end]))
                    found = [*self._shown.find(stems), *self._named.find(stems), *self._titles.find(stems)]
                    if any(1 << each.number & bits and each.end - each.start == len(stems) for each in found):
                        return " ".join(words[start:end]).strip(".,;:!?()")
        return ""


def _by_span(found: Iterable[Found]) -> tuple[int, ...]:
    """Return one number for each phrase, with a bit for each condition that it names."""
    by_span: dict[tuple[int, int], int] = {}
    for each in found:
        by_span[each.start, each.end] = by_span.get((each.start, each.end), 0) | 1 << each.number
    return tuple(by_span.values())


def _not_in(free: Iterable[Found], found: Iterable[Found]) -> list[Found]:
    """Leave out phrases inside a phrase that rules out their own condition, such as "lifting" in "no heavy lifting"."""
    spans = [(each.number, each.start, each.end) for each in free]
    return [
        one
        for one in found
        if not any(number == one.number and start <= one.start and one.end <= end for number, start, end in spans)
    ]


def _bits(found: Iterable[Found]) -> int:
    bits = 0
    for each in found:
        bits |= 1 << each.number
    return bits


def times_in(text: str) -> list[int]:
    """Return the times of the clock in a text.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of int
        Minutes after midnight, in the order of the text.

    Examples
    --------
    >>> times_in("Mon to Fri, 6am-2pm, or 09:30 on Sundays")
    [360, 840, 570]
    """
    times = []
    for hour, minute, half, hour_24, minute_24 in CLOCK.findall(plain(text)):
        if half:
            hours = int(hour) % HALF_OF_DAY + (HALF_OF_DAY if half.startswith("p") else 0)
            times.append(hours * 60 + int(minute or 0))
        else:
            times.append(int(hour_24) * 60 + int(minute_24))
    return times


def spoken_times(text: str, half_days: int | None) -> list[int]:
    """Return the times of the clock that a text gives in words, where it is clear on which half of the day they are.

    Parameters
    ----------
    text : str
    half_days : int or None
        The half-days of the work, as 21 bits: work in mornings only begins before noon.

    Returns
    -------
    list of int
        Minutes after midnight, in the order of the text.

    Examples
    --------
    >>> spoken_times("We start at half past four in the morning", None), spoken_times("at quarter to six", None)
    ([270], [])
    """
    times = []
    for part, way, hour, day, night in SPOKEN.findall(plain(text)):
        if not (part or day or night):  # "six" alone counts things
            continue
        hours = (int(hour) if hour.isdigit() else HOURS.index(hour)) % HALF_OF_DAY
        minutes = hours * 60 + MINUTES.get(part, 0) * (-1 if way == "to" else 1)
        if day == "morning" or (not day and not night and half_days and not half_days & LATER):
            times.append(minutes % (24 * 60))
        elif day or (not night and half_days and not half_days & MORNINGS):
            times.append(minutes + HALF_OF_DAY * 60)
        elif night:
            times.append(minutes + HALF_OF_DAY * 60 if hours >= NIGHTFALL else minutes)
    return times


def _is_timed(condition: Condition) -> bool:
    return bool(condition.half_days or condition.within or condition.least_hours or condition.clock)


def _timed_answer(
    condition: Condition, listing: ListingText, times: Sequence[int], spoken: Sequence[int]
) -> bool | None:
    """Return whether the times of a listing show a condition (True) or rule it out (False), or None if neither.

    Spoken times can show a condition if the half-days do not tell, and never rule one out.
    """
    if condition.clock and any(_is_at(condition.clock, time) for time in times):
        return True
    week = listing.half_days
    if week and condition.half_days:
        return bool(condition.half_days & week)
    if week and condition.within and not condition.within & week:
        return False
    if condition.least_hours and listing.hours is not None:
        return listing.hours >= condition.least_hours
    if condition.clock and any(_is_at(condition.clock, time) for time in spoken):
        return True
    return False if condition.clock and len(times) > 1 else None


def _is_at(clock: str, time: int) -> bool:
    if clock == "early":
        return NIGHT_ENDS <= time < EARLY_BEFORE
    return time > LATE_FROM if clock == "late" else time < NIGHT_ENDS


def says_never(text: str) -> bool:
    """Return whether a jobseeker's words say that the work must not include a thing, not only that it is disliked.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool

    Examples
    --------
    >>> says_never("never nights"), says_never("not keen on nights")
    (True, False)
    """
    padded = f" {' '.join(stems_of(text))} "
    return any(f" {' '.join(stems_of(word))} " in padded for word in NEVER)
