"""The command line of Pathways. An error is printed as one sentence.

A person who runs these commands has access to the database itself. So a command about a partner's jobseekers has the
rights of that partner's team manager, and is recorded under the name of the operator or of the member given by --as.
Every act is audited.
"""

import gc
import os
import sys

import typer

from pathways.commands import exporting, loading, matching, organising, running, signing_in, transport
from pathways.commands.acting import PlainError

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
cli.add_typer(running.alone)
cli.add_typer(matching.alone)
for name, group in (
    ("db", running.db),
    ("demo", running.demo),
    ("organisations", organising.organisations),
    ("users", organising.users),
    ("members", organising.members),
    ("programmes", organising.programmes),
    ("keys", organising.keys),
    ("sign-in", signing_in.sign_in),
    ("reference", loading.reference),
    ("import", loading.imports),
    ("transport", transport.transport),
    ("model", matching.models),
    ("export", exporting.export),
):
    cli.add_typer(group, name=name)


# The objects that a start makes stay as long as the process: with Python's own thresholds, looking for garbage among
# them takes a third of the time of a start. Later, a look is as rare, and finds the same.
OBJECTS_BETWEEN_LOOKS = (50_000, 20, 50)
OWNER_ONLY = 0o077  # what nobody else may do with a file that a command makes: databases, exports, results, keys


@cli.callback()
def _keep_files_private(context: typer.Context) -> None:
    before = os.umask(OWNER_ONLY)
    context.call_on_close(lambda: os.umask(before))


def main() -> None:
    """Run a command. Print an error as one sentence and exit with code 1."""
    gc.set_threshold(*OBJECTS_BETWEEN_LOOKS)
    from sqlalchemy.exc import SQLAlchemyError

    from pathways.errors import DomainError

    try:
        cli()
    except PlainError as wrong:
        print(f"Error: {wrong}", file=sys.stderr)
        sys.exit(1)
    except DomainError as wrong:
        print(f"Error: {wrong.detail}", file=sys.stderr)
        sys.exit(1)
    except SQLAlchemyError as wrong:
        print(
            f"Error: the database refused the command ({type(wrong).__name__}). Nothing was changed. Try again.",
            file=sys.stderr,
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
