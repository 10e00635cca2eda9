"""What axe-core finds on a page, and what else a page owes to those who see, point and move less well."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

from playwright.sync_api import Page

HERE = Path(__file__).parent
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@cache
def source() -> str:
    """The script, installed as `package-lock.json` has it."""
    assert shutil.which("npm"), "the browser tests need Node: apt-get install nodejs npm"
    lock, installed = HERE / "package-lock.json", HERE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=HERE, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return (HERE / "node_modules" / "axe-core" / "axe.min.js").read_text()


def violations(page: Page) -> list[str]:
    """Every violation of WCAG 2.2 A and AA and of axe's best practices: the rule, and where."""
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(source())
    return list(page.evaluate(RUN, TAGS))


RUN = """async (tags) => {
  const { violations } = await axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html, any, all, none }) =>
    `${id}: ${html.slice(0, 160)} (${[...any, ...all, ...none].map(({ message }) => message).join("; ")})`));
}"""


def small_targets(page: Page) -> list[str]:
    """What can be pressed, and is less than 24 pixels wide or high."""
    return list(page.evaluate(SMALL))


SMALL = """() => [...document.querySelectorAll("a, button, input, select, textarea, summary, [role=option]")]
  .filter((each) => each.checkVisibility({ checkVisibilityCSS: true }))
  .map((each) => [each, each.getBoundingClientRect()])
  .filter(([, { width, height }]) => width > 0 && (width < 24 || height < 24))
  .map(([each, { width, height }]) => `${Math.round(width)}x${Math.round(height)} ${each.outerHTML.slice(0, 120)}`)"""


def focus_at(page: Page) -> str:
    """What has the keyboard: its name, and what is wrong with how that shows; "" of the page as a whole."""
    return str(page.evaluate(FOCUS))


FOCUS = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return "";
  const words = at.ariaLabel || at.labels?.[0]?.textContent || at.textContent;
  const name = words.trim().replace(/\\s+/g, " ").slice(0, 40);
  const { outlineStyle, outlineWidth } = getComputedStyle(at);
  const box = at.getBoundingClientRect();
  const isOutside = box.right <= 0 || box.bottom <= 0 || box.left >= innerWidth || box.top >= innerHeight;
  const x = Math.min(Math.max(box.x + box.width / 2, 1), innerWidth - 1);
  const y = Math.min(Math.max(box.y + box.height / 2, 1), innerHeight - 1);
  const top = document.elementFromPoint(x, y);
  const isCovered = !isOutside && !(at.contains(top) || top?.contains(at));
  const isShown = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  const wrong = [!isShown && "no outline", isOutside && "out of view", isCovered && "covered"];
  return [name, ...wrong].filter(Boolean).join(" | ");
}"""
