"""The entries of the menu, by role."""

from dataclasses import dataclass

from pathways.base import Role


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One entry of the navigation: its words and its address."""

    text: str
    href: str


TODAY = MenuEntry("Today", "/")
OF_PARTNERS = (
    TODAY,
    MenuEntry("People", "/people"),
    MenuEntry("Referrals", "/referrals"),
    MenuEntry("Introductions", "/introductions"),
    MenuEntry("Placements", "/placements"),
)
MENUS: dict[Role, tuple[MenuEntry, ...]] = {
    Role.CASEWORKER: OF_PARTNERS,
    Role.TEAM_MANAGER: OF_PARTNERS,
    Role.PLACEMENT_LISTER: (
        MenuEntry("Home", "/"),
        MenuEntry("People introduced", "/introductions"),
        MenuEntry("Placements", "/placements"),
    ),
    Role.REFERRER: (
        MenuEntry("People I referred", "/"),
        MenuEntry("Refer someone", "/refer"),
        MenuEntry("Upload a list", "/imports/referrals"),
    ),
    Role.ADMINISTRATOR: (MenuEntry("Members", "/"),),
    Role.OPERATOR: (MenuEntry("Members", "/"),),
}


def menu_of(role: Role) -> tuple[MenuEntry, ...]:
    return MENUS.get(role, (MenuEntry("Home", "/"),))
