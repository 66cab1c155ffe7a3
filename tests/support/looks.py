"""Looks at a page in Chromium: what axe-core finds, what is cut off, and pictures of it."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Page

_AXE = Path(__file__).parents[1] / "browser" / "vendor" / "axe.min.js"
_RUN = """async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return found.violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html).join(" | ")}`);
}"""
_CUT = """() => [...document.querySelectorAll("body *")]
  .filter((each) => !each.closest(".unseen, .skip, [popover]:not(:popover-open)"))
  .filter((each) => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map((each) => each.outerHTML.slice(0, 120))"""
_SMALL = """() => [...document.querySelectorAll("a, button, input, select, summary")]
  .filter((each) => each.checkVisibility() && each.type !== "hidden" && !each.closest(".unseen, .skip"))
  .filter((each) => getComputedStyle(each).display !== "inline")
  .filter((each) => Math.min(each.offsetWidth, each.offsetHeight) < 24)
  .map((each) => each.outerHTML.slice(0, 120))"""


async def axe(page: Page) -> list[str]:
    """Return each rule of axe-core that the page breaks, of WCAG and of good practice."""
    # Evaluated by the debugger, which the page's policy does not bind.
    await page.evaluate(_AXE.read_text(encoding="utf-8"))
    return list(await page.evaluate(_RUN))


async def faults_to_see(page: Page) -> list[str]:
    """Return what sticks out to the right, and what is too small to be hit."""
    return [*await page.evaluate(_CUT), *await page.evaluate(_SMALL)]
