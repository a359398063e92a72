"""Commands for organisations whose members sign in by a provider of their own (OpenID Connect)."""

import sys
from getpass import getpass
from typing import Annotated

import typer

from pathways.commands.acting import ActAs, body_of, opened, operator, read_settings

sign_in = typer.Typer(no_args_is_help=True, help="Let an organisation sign in its members by its own provider.")


@sign_in.command("add")
def sign_in_add(
    organisation: Annotated[str, typer.Option(help="The organisation's reference.")],
    issuer: Annotated[str, typer.Option(help="The issuer, such as https://login.example.org/tenant.")],
    client_id: Annotated[str, typer.Option(help="The client id that the provider gave to Pathways.")],
    email_domain: Annotated[str, typer.Option(help="The part after the @ of the members' e-mail addresses.")],
    acting_as: ActAs = None,
) -> None:
    """Add a provider. The client secret is asked for, or read from the standard input, and stored sealed.

    Example: pathways sign-in add --organisation barnet --issuer https://login.example.org --client-id pathways
    --email-domain example.org < secret.txt.
    """
    from pathways.base import utc_now
    from pathways.organisations import queries
    from pathways.sign_in import providers
    from pathways.sign_in.schemas import NewProvider

    with opened() as database:
        actor = operator(database, "member:make", acting_as)
        settings = read_settings()
        providers.must_be_https(issuer, is_production=settings.environment == "production")
        is_typed = sys.stdin.isatty()
        secret = getpass("Client secret: ") if is_typed else sys.stdin.readline()
        given = {"client_id": client_id, "client_secret": secret.strip(), "email_domain": email_domain}
        new = body_of(NewProvider, issuer=issuer, **given)
        with database.writing(actor) as session:
            organisation_id = queries.organisation_by_ref(session, organisation).id
            made = providers.add(session, new, organisation_id, utc_now())
            print(f"{made.email_domain} signs in by {made.issuer}.")
    print(f"Register this address there: {settings.public_url}/sign-in/provider/back")


@sign_in.command("list")
def sign_in_list() -> None:
    """List the providers that work now. Example: pathways sign-in list."""
    from pathways.sign_in import providers

    with opened() as database, database.reading() as session:
        for provider in providers.listed(session):
            print(f"{provider.email_domain:30} {provider.organisation:40} {provider.issuer}")


@sign_in.command("end")
def sign_in_end(
    email_domain: Annotated[str, typer.Argument(help="The domain of the provider.")], acting_as: ActAs = None
) -> None:
    """End a provider and the sessions that began with it. Example: pathways sign-in end example.org."""
    from pathways.base import utc_now
    from pathways.sign_in import providers

    with opened() as database:
        actor = operator(database, "member:make", acting_as)
        with database.writing(actor) as session:
            providers.end(session, email_domain, utc_now())
    print("The provider is ended. Its members sign in by passkey, code or link from now on.")
