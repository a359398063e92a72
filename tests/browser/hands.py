"""Two ways to use a page, by mouse and by keyboard alone, with the same names; the mouse counts its clicks."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page

MOST_TABS = 300
# What the focus is on: its text without what only screen readers hear, its whole name, and the label of a field.
FOCUSED = """() => {
  const one = document.activeElement;
  const labels = [...(one.labels ?? [])].map((label) => label.innerText.trim());
  return { tag: one.tagName, type: one.type ?? "", text: (one.textContent ?? "").replace(/\\s+/g, " ").trim(),
           labels, name: one.name ?? "" };
}"""


def matches(name: str | re.Pattern[str], text: str) -> bool:
    return bool(name.search(text)) if isinstance(name, re.Pattern) else name == text


@dataclass
class Mouse:
    """Somebody who points and clicks."""

    page: Page
    clicks: int = 0

    def _click(self, found: Any) -> None:
        found.first.click()
        self.clicks += 1

    def link(self, name: str | re.Pattern[str]) -> None:
        self._click(self.page.get_by_role("link", name=name, exact=isinstance(name, str)))

    def button(self, name: str | re.Pattern[str]) -> None:
        self._click(self.page.get_by_role("button", name=name, exact=isinstance(name, str)))

    def choose(self, label: str) -> None:
        self._click(self.page.get_by_label(label, exact=True))

    def fill(self, label: str, text: str, *, at: int = 0) -> None:
        self.page.get_by_label(label, exact=True).nth(at).fill(text)


@dataclass
class Keyboard:
    """Somebody who has no mouse: Tab, the space bar, the arrows and Enter."""

    page: Page
    clicks: int = 0

    def _go_to(self, what: str, is_it: Any) -> dict[str, Any]:
        """Press Tab until the focus is on what is meant. It fails if it is not reached, or if the focus is not seen."""
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            found: dict[str, Any] = self.page.evaluate(FOCUSED)
            if is_it(found):
                seen = self.page.evaluate(
                    "(() => { const box = document.activeElement.getBoundingClientRect();"
                    " return box.width > 0 && box.height > 0; })()"
                )
                assert seen, f"{what} has the focus and cannot be seen"
                return found
        return pytest.fail(f"The Tab key never came to {what}.")

    def link(self, name: str | re.Pattern[str]) -> None:
        self._go_to(f"the link {name}", lambda one: one["tag"] == "A" and matches(name, one["text"]))
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def button(self, name: str | re.Pattern[str]) -> None:
        self._go_to(f"the button {name}", lambda one: one["tag"] == "BUTTON" and matches(name, one["text"]))
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def choose(self, label: str) -> None:
        """Choose a radio button with the arrows, or a checkbox with the space bar."""
        wanted = self.page.get_by_label(label, exact=True).first
        name, kind = wanted.get_attribute("name"), wanted.get_attribute("type")
        if kind == "checkbox":
            self._go_to(f"the checkbox {label}", lambda one: label in one["labels"])
            self.page.keyboard.press("Space")
            return
        self._go_to(f"the radio buttons of {label}", lambda one: one["name"] == name and one["type"] == "radio")
        self.page.keyboard.press("Space")
        for _ in range(MOST_TABS):
            if label in self.page.evaluate(FOCUSED)["labels"]:
                return
            self.page.keyboard.press("ArrowDown")
        pytest.fail(f"The arrows never came to {label}.")

    def fill(self, label: str, text: str, *, at: int = 0) -> None:
        for _ in range(at + 1):
            self._go_to(f"the field {label}", lambda one: label in one["labels"])
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)


HANDS = {
    "mouse and scripts": (Mouse, True),
    "mouse without scripts": (Mouse, False),
    "keyboard and scripts": (Keyboard, True),
    "keyboard without scripts": (Keyboard, False),
}
