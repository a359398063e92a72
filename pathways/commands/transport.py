"""Commands for the timetable of public transport."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pathways.commands.acting import ActAs, opened, operator, read_settings

if TYPE_CHECKING:
    from pathways.reference.timetables import LoadedTimetable

transport = typer.Typer(no_args_is_help=True, help="Load a timetable, so that journeys are not estimated.")


@transport.command("load")
def transport_load(file: Path, acting_as: ActAs = None) -> None:
    """Load a timetable, so that journeys by public transport are not estimated. Example: transport load yorkshire.zip.

    It replaces the timetable that is loaded now. If any row is wrong, nothing is loaded.
    """
    from pathways.base import local_day, utc_now
    from pathways.reference import gtfs, timetables
    from pathways.shortlists.models import Shortlist

    today = local_day(utc_now())
    with opened() as database:
        actor = operator(database, "transport load", acting_as)
        most_bytes = read_settings().max_unpacked_bytes
        feed = gtfs.read(file, most_bytes, today)  # no transaction is open: this may take a minute
        with database.writing(actor) as session:
            is_new = timetables.store(session, file.name, feed, today, Shortlist.uses_timetable())
            row = timetables.must_be_loaded(session)
            lines = [*feed.notes, *_described(row)]
    print("\n".join(lines if is_new else ["This timetable is loaded already.", *lines]))
    if row.last_on < today:
        print("It has ended, so journeys are estimated until a newer one is loaded.")


@transport.command("show")
def transport_show(acting_as: ActAs = None) -> None:
    """Print which timetable is loaded and until when it holds. Example: pathways transport show."""
    from pathways.base import local_day, utc_now
    from pathways.reference import timetables

    with opened() as database:
        operator(database, "transport show", acting_as)
        with database.reading() as session:
            row = timetables.must_be_loaded(session)
            lines = _described(row)
    today = local_day(utc_now())
    if row.last_on < today:
        lines.append("It has ended, so journeys are estimated. Load a newer one.")
    elif row.first_on > today:
        lines.append("It has not begun, so journeys are estimated until then.")
    print("\n".join(lines))


@transport.command("remove")
def transport_remove(acting_as: ActAs = None) -> None:
    """Remove the timetable; journeys are then estimated. Example: pathways transport remove."""
    from pathways.reference import timetables
    from pathways.shortlists.models import Shortlist

    with opened() as database:
        actor = operator(database, "transport remove", acting_as)
        with database.writing(actor) as session:
            timetables.remove(session, Shortlist.uses_timetable(), actor.today)
    print("The timetable is removed. Journeys are estimated from the straight-line distance.")


def _described(row: "LoadedTimetable") -> list[str]:
    return [
        f"{row.file_name}, loaded on {row.loaded_on}, holds from {row.first_on} to {row.last_on}.",
        f"It has {row.stops} stops, {row.trips} trips and {row.calls} calls by {', '.join(row.modes)}.",
    ]
