# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be measured of how the page looks: contrast, width, focus, names of what is used."""

from __future__ import annotations

import pytest
from semblance.tests.engine.web.conftest import DESK, PHONE

pytestmark = pytest.mark.slow

PLACES = ("avatars", "avatars/Head", "avatars/Portrait", "jobs", "new", "verify")
FAINT = """() => {
    const parsed = (text) => {
        const numbers = text.match(/[\\d.]+/g).map(Number);
        return { rgb: numbers.slice(0, 3), alpha: numbers.length > 3 ? numbers[3] : 1 };
    };
    const light = (rgb) => {
        const linear = (x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
        const [r, g, b] = rgb.map((each) => linear(each / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
        for (let each = element; each; each = each.parentElement) {
            const { rgb, alpha } = parsed(getComputedStyle(each).backgroundColor);
            if (alpha > 0.99) return rgb;
        }
        return [255, 255, 255];
    };
    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        if (!texts.currentNode.textContent.trim() || !element.checkVisibility()) continue;
        if (element.closest("noscript, .skip")) continue;
        const style = getComputedStyle(element);
        const [one, other] = [light(parsed(style.color).rgb), light(behind(element))].sort((a, b) => b - a);
        const ratio = (one + 0.05) / (other + 0.05);
        const isLarge = parseFloat(style.fontSize) >= 24;
        if (ratio < (isLarge ? 3 : 4.5)) found.push(`${texts.currentNode.textContent.trim()}: ${ratio.toFixed(2)}`);
    }
    return found;
}"""
NAMELESS = """() => [...document.querySelectorAll("button, a, input, select, textarea, [role=img], [role=progressbar]")]
    .filter((element) => element.checkVisibility())
    .filter((element) => !(element.labels?.length || element.ariaLabel || element.textContent.trim()))
    .map((element) => element.outerHTML.slice(0, 100))"""
SMALL = """() => [...document.querySelectorAll("button, a.button, nav a, summary, input[type=range]")]
    .filter((element) => element.checkVisibility())
    .map((element) => [element.getBoundingClientRect(), element.textContent])
    .filter(([box]) => box.width < 24 || box.height < 24)
    .map(([, text]) => text)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_everything_can_be_read_named_and_touched(address, open_page, size, scheme):
    page = open_page(address, size, scheme).page
    for place in PLACES:
        page.evaluate("place => { location.hash = place }", f"#/{place}")
        page.locator("main [aria-busy]").wait_for(state="detached")
        for tab in page.get_by_role("tab").all() or [None]:
            if tab:
                tab.click()
            where = f"{place} {tab.inner_text() if tab else ''}"
            page.wait_for_timeout(150)  # transitions of colours
            assert page.evaluate(FAINT) == [], where
            assert page.evaluate(NAMELESS) == [], where
            assert page.evaluate(SMALL) == [], where
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where


def test_the_focus_is_seen_and_goes_everywhere(address, open_page):
    page = open_page(address).page
    page.get_by_role("heading", name="Head").wait_for()
    stops = []
    for _ in range(7):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.innerText.split('\\n')[0]"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert stops == ["Skip to content", "Semblance", "Avatars", "Jobs", "Verify", "New avatar", "Head"]
