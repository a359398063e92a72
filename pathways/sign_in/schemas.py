"""Bodies and replies of invitations, and what a browser says about itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, SecretStr, StringConstraints

from pathways.fields import Body, Group, NeededLine, Schema


class NewInvitation(Body):
    """An invitation of a member to sign in to the web pages."""

    user_id: UUID = Field(description="The person to invite. They must have a role in your organisation.")


class InvitationOut(Schema):
    """An invitation, without its link: only the invited person is sent the link."""

    id: Annotated[UUID, Group.RECORD]
    user_id: Annotated[UUID, Group.RECORD]
    made_by: Annotated[UUID, Group.RECORD] = Field(description="The user who made the invitation.")
    made_at: Annotated[datetime, Group.RECORD]
    works_until: Annotated[datetime, Group.RECORD] = Field(description="Until when its link works.")
    used_at: Annotated[datetime | None, Group.RECORD] = Field(
        description="When the person signed in with it; null if they have not."
    )
    cancelled_at: Annotated[datetime | None, Group.RECORD] = Field(
        description="When it was cancelled, or replaced by a newer one."
    )


class NewProvider(Body):
    """The provider by which an organisation signs in its own members, as its administrators registered us there."""

    issuer: Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#]{3,280}$")]
    client_id: NeededLine
    client_secret: SecretStr = Field(min_length=1, max_length=150)
    email_domain: Annotated[str, StringConstraints(pattern=r"^@?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$", max_length=80)]


@dataclass(frozen=True, slots=True)
class Caller:
    """The browser that signs in: what its owner recognises it by, its network address, and who it was earlier."""

    browser: str
    address: str
    request_id: str = ""
    known_browser: str = ""  # the token of a browser in which somebody signed in before
