"""How people sign in to the web pages: invitations, passkeys, authenticator apps, recovery codes and sessions."""
