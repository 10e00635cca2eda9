"""Somebody who writes whatever she likes into every text that others are shown, and whether it stays there."""

import base64
from typing import Any

import httpx
from playwright.sync_api import Page

from tests.services.environment import PASSWORD

# What moves the words after it, piles up over the lines around it, or pushes everything aside. At most 100 characters.
DISPLACING = {
    "ends isolates": "\u2069\u2069\u202eevil",
    "no break": "W" * 100,
    "opens isolates": "\u202b\u2067\u2067\u2067evil",
    "ends a paragraph": "a\x85\u05d0\u2029\u202e\u05d0\u05d1",
    "marks": "a" + "\u0301" * 80 + "a",
    "invisible": "\u200b\u200d\ufeff\u200e\u200f\u061ci",
}
# What would run, or make elements, where it was put into a page as markup, a script, an address or a template.
RUNNING = {
    "elements": "\"><script>ran=1</script><img src=x onerror='ran=1'><svg onload=ran=1>",
    "ends of scripts": "'-(ran=1)-'</script><script>ran=1</script>{{7*7}}${ran=1}`;ran=1//",
    "addresses": "javascript:ran=1//<a href=javascript:ran=1>x</a></title></textarea><b>",
}


class Writer:
    """One account with such a name, over REST; what she writes besides is the same text again."""

    def __init__(self, http: httpx.Client, name: str, text: str) -> None:
        self.http, self.name, self.text = http, name, text
        agent = text.encode("latin-1", "replace").replace(b"\x85", b"?").strip()
        self.headers: dict[bytes, bytes] = {b"User-Agent": agent}
        body = {"email": f"{name}@example.com", "username": name, "password": PASSWORD}
        entered = self.call("POST", "auth/register/", **body, first_name=text, last_name=text)
        self.id = int(entered["user"]["id"])
        self.token = entered["access"]
        self.headers[b"Authorization"] = b"Bearer " + self.token.encode()
        self.call("PATCH", "auth/profile/", bio=text)

    @property
    def shown(self) -> str:
        """Her display name."""
        return f"{self.text} {self.text}"

    def call(self, method: str, path: str, **body: Any) -> Any:
        answer = self.http.request(method, f"/api/{path}", json=body, headers=self.headers).raise_for_status()
        return answer.json() if answer.content else None

    def make_group(self, *others: int) -> int:
        """A group with her text as its name and description."""
        body = {"type": "group", "name": self.text, "description": self.text, "participant_ids": others}
        self.group = int(self.call("POST", "chat/conversations/create/", **body)["id"])
        return self.group

    def say(self, conversation: int, **fields: Any) -> int:
        said = self.call("POST", "chat/messages/create/", conversation=conversation, content=self.text, **fields)
        return int(said["id"])

    def say_all(self, conversation: int) -> None:
        """Her text as a message, as a quote, and as what a message was changed to."""
        said = self.say(conversation, client_id="".join(filter(str.isprintable, self.text))[:64])
        self.say(conversation, reply_to=said)
        edited = self.call("POST", "chat/messages/create/", conversation=conversation, content="?", reply_to=said)
        self.call("PATCH", f"chat/messages/{edited['id']}/", content=f"{self.text} again")
        self.said = int(edited["id"])

    def type(self, page: Page, conversation: int) -> None:
        """Be seen typing, over a socket that this page holds open."""
        page.evaluate(
            """([token, id]) => new Promise((typed) => {
              const socket = new WebSocket(`/ws/chat/${id}/?token=${token}`);
              socket.onmessage = ({ data }) => {
                if (JSON.parse(data).type !== "connected") return;
                socket.send(JSON.stringify({ type: "typing", is_typing: true }));
                typed();
              };
            })""",
            [self.token, conversation],
        )


def words_out_of_order(page: Page, theirs: str) -> list[str]:
    """The lines of the page in which our own words, or the names between them, are not where the document has them.

    Ours is what is neither within `theirs` (a selector) nor in a <bdi> nor between FSI and PDI.
    """
    return list(page.evaluate(OUT_OF_ORDER, theirs))


OUT_OF_ORDER = r"""(theirs) => {
  const broken = [];
  const isBlock = (node) => getComputedStyle(node).display !== "inline";
  const pieces = function* (node) {
    for (const child of node.childNodes) {
      if (child.nodeType === Node.TEXT_NODE) yield* letters(child);
      else if (child.nodeType !== Node.ELEMENT_NODE) continue;
      else if (child.tagName === "BDI") yield child.getClientRects();
      else if (!isBlock(child) && !child.matches(theirs)) yield* pieces(child);
    }
  };
  const letters = function* (text) {
    let depth = 0;
    for (let at = 0; at < text.length; at += 1) {
      const letter = text.data[at];
      if (letter === "\u2068") depth += 1;
      if (depth === 0 && letter.trim()) {
        const range = document.createRange();
        range.setStart(text, at);
        range.setEnd(text, at + 1);
        yield range.getClientRects();
      }
      if (letter === "\u2069") depth -= 1;
    }
  };
  for (const block of document.body.querySelectorAll("*")) {
    if (!block.checkVisibility() || !isBlock(block) || block.closest(theirs)) continue;
    let last = null;
    for (const rects of pieces(block)) {
      const [first] = rects;
      if (!first || !first.width) continue;
      const isBelow = last && first.top > last.top + last.height / 2;
      if (last && !isBelow && first.left < last.right - 1) {
        broken.push(block.textContent);
        break;
      }
      last = rects[rects.length - 1];
    }
  }
  return broken;
}"""


def dots_outside(page: Page, boxes: str) -> int:
    """How many dots of what piles up in these boxes are drawn outside of them: what changes when they are hidden."""
    texts = page.locator(boxes).filter(has_text="\u0301" * 3)
    if not texts.count():
        return 0
    page.evaluate("document.activeElement.blur()")  # a caret blinks
    shown = page.screenshot(mask=[texts], animations="disabled")
    texts.evaluate_all("(all) => all.forEach((each) => (each.style.visibility = 'hidden'))")
    hidden = page.screenshot(mask=[texts], animations="disabled")
    texts.evaluate_all("(all) => all.forEach((each) => (each.style.visibility = ''))")
    judge = page.context.browser.new_page()  # which no policy keeps from showing the pictures
    count = judge.evaluate(COUNT, [base64.b64encode(picture).decode() for picture in (shown, hidden)])
    judge.close()
    return int(count)


COUNT = """async (pictures) => {
  const pixels = async (picture) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${picture}`)).blob());
    const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
    canvas.drawImage(image, 0, 0);
    return canvas.getImageData(0, 0, image.width, image.height).data;
  };
  const [shown, hidden] = await Promise.all(pictures.map(pixels));
  let count = 0;  // two pictures of the same page differ by a shade at round corners
  for (let at = 0; at < shown.length; at += 4) count += Math.abs(shown[at] - hidden[at]) > 40;
  return count;
}"""


def words_cut_off(page: Page) -> list[str]:
    """The boxes with a word in them that goes past their side or the page's; those with an ellipsis say so."""
    return list(page.evaluate(CUT_OFF, "W" * 20))


CUT_OFF = """(word) => {
  const { scrollWidth, clientWidth } = document.documentElement;
  const boxes = [...document.querySelectorAll("body *")]
    .filter((each) => [...each.childNodes].some(({ data }) => data?.includes(word)))
    .map(function box(each) {
      return getComputedStyle(each).display === "inline" ? box(each.parentElement) : each;
    })
    .filter((each) => each.clientWidth > 1)  // what is for screen readers only has one dot
    .filter((each) => each.scrollWidth > each.clientWidth + 1 || each.getBoundingClientRect().right > clientWidth)
    .filter((each) => getComputedStyle(each).textOverflow !== "ellipsis");
  return [...(scrollWidth > clientWidth ? ["the page"] : []), ...boxes.map((each) => each.outerHTML.slice(0, 200))];
}"""


def made_elements(page: Page) -> list[str]:
    """What on the page can only have come from markup that somebody wrote, and whether it ran."""
    return list(page.evaluate(MADE))


MADE = r"""() => [
  ...(typeof ran === "undefined" ? [] : ["it ran"]),
  ...[...document.querySelectorAll("*")]
    .filter((each) => each.localName === "script"
      ? each.textContent.includes("ran=1")
      : [...each.attributes].some(({ name, value }) => name.startsWith("on")
        || (["href", "src", "action", "formaction", "srcdoc"].includes(name) && /^\s*javascript:/i.test(value))))
    .map((each) => each.outerHTML.slice(0, 200)),
]"""
