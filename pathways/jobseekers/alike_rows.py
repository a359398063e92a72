"""The rows of one file that may be about one person, before anything of the file is recorded."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from matching.people.candidates import pairs_of
from matching.people.compare import Field, compare
from matching.people.groups import grouped
from matching.people.identity import Identity
from matching.people.linkage import Linkage, probability
from pathways.database import Session
from pathways.jobseekers import identify
from pathways.jobseekers.different_people import different_people

MOST_WITHIN = 20  # a key that more than this many rows of a file share is not used


def within(session: Session, partner_id: UUID, people: Iterable[Identity]) -> list[tuple[int, int]]:
    """Return pairs of positions in ``people``, as (later, earlier), that may hold the same person.

    The rows of one person are put into a group by average linkage, so a row is paired by what all rows of the group
    say. Each later position of a group is paired with one earlier position of it only: the most probable one.
    """
    identities = list(people)
    rows = _Rows(identify.model(), identities, float(identify.count_people(session, partner_id) + len(identities)))
    chances = {pair: rows.chance(*pair) for pair in pairs_of(rows.people, most=MOST_WITHIN, with_weak=False)}
    groups = grouped(chances, rows.chance, largest=MOST_WITHIN)
    pairs = []
    for group in groups:
        for at, later in enumerate(group[1:], start=1):
            pairs.append((later, max(group[:at], key=lambda earlier: (rows.chance(earlier, later), -earlier))))
    return sorted(pairs)


class _Rows:
    """The rows of a file, how many of them have each contact detail and number, and the verdicts on pairs of them."""

    def __init__(self, linkage: Linkage, people: Sequence[Identity], among: float) -> None:
        self.linkage, self.people, self.among = linkage, people, among
        self._shared = {
            name: Counter(value for person in people if (value := getattr(person, name.value)))
            for name in (Field.PHONE, Field.EMAIL, Field.POSTCODE)
        }
        self._numbers = Counter(item for person in people for item in person.identifiers.items())
        self._families = Counter(person.names[1] for person in people)
        self._different: dict[tuple[str, str], int] = {}
        self._chances: dict[tuple[int, int], float] = {}

    def chance(self, earlier: int, later: int) -> float:
        """Return the probability that two rows are about one person."""
        if (earlier, later) not in self._chances:
            self._chances[earlier, later] = self._compared(self.people[later], self.people[earlier])
        return self._chances[earlier, later]

    def _compared(self, first: Identity, second: Identity) -> float:
        common = (None, self._families[first.names[1]] / self.among if first.family else None)
        if not self.linkage.may_be(first, second, self.among, common):
            return probability(self.linkage.weigh(first, second, compare(first, second), self.among))
        return self.linkage.verdict(first, second, self.among, self._counts(first), common).probability

    def _counts(self, person: Identity) -> Mapping[str, int]:
        """Return how many rows have each contact detail and number of a person, as ``verdict`` takes them."""
        counts: dict[str, int] = {name: counter[getattr(person, name.value)] for name, counter in self._shared.items()}
        counts |= different_people(self.linkage, person, self.people, counts, self._different)
        return counts | {kind: self._numbers[kind, number] for kind, number in person.identifiers.items()}
