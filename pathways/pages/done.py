"""What the banner at the top of a page says was just done. The cookie between two pages holds only the key."""

from gettext import gettext as _

DONE = {
    "signed_out": _("You are signed out."),
    "passkey_added": _("The passkey is added. You can sign in with it from now on."),
    "app_added": _("The authenticator app is added. You can sign in with its codes from now on."),
    "way_removed": _("It is removed. You can no longer sign in with it."),
    "session_ended": _("The session is ended."),
    "others_ended": _("You are signed out everywhere else."),
    "role_chosen": _("You are working in the role that you chose."),
    "discarded": _("What you had typed is discarded."),
    "invited": _("The invitation is on its way by e-mail."),
    "cancelled": _("The invitation is cancelled."),
}
