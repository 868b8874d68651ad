/** A scrolling list of messages that stays at its end while one is there. */

import { h } from "./dom.js";
import { reconcile } from "./list.js";

const NEAR = 48;

/** Make a pane; `show(items, rules)` updates it, `toEnd()` goes to the newest. */
export function messagePane(label) {
  const list = h("div", { class: "messages", role: "feed", "aria-label": label });
  const latest = h("button", { type: "button", class: "latest", hidden: true }, "↓ Newer messages");
  const scroller = h("div", { class: "scroller" }, list);
  const element = h("div", { class: "pane" }, scroller, latest);
  let follows = true;

  const atEnd = () => scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop < NEAR;
  const toEnd = () => {
    follows = true;
    scroller.scrollTop = scroller.scrollHeight;
    latest.hidden = true;
  };
  scroller.addEventListener("scroll", () => {
    follows = atEnd();
    if (follows) latest.hidden = true;
  });
  latest.addEventListener("click", toEnd);
  const observer = new ResizeObserver(() => follows && toEnd());
  observer.observe(scroller);
  observer.observe(list);

  const show = (items, rules) => {
    const before = list.lastElementChild?.dataset.key;
    reconcile(list, items, rules);
    rove(list);
    if (follows) toEnd();
    else if (before !== list.lastElementChild?.dataset.key) latest.hidden = false;
  };
  return { element, list, show, toEnd, relabel: (text) => list.setAttribute("aria-label", text) };
}

/** Keep exactly one message in the tab order: the one last focused, else the newest. */
function rove(list) {
  const messages = [...list.querySelectorAll(":scope > .message")];
  if (messages.length && !messages.some((message) => message.tabIndex === 0)) messages.at(-1).tabIndex = 0;
}

/** Move the focus by *step* messages within the list that has it, or into *fallback*. */
export function moveFocus(step, fallback) {
  const list = document.activeElement?.closest?.(".messages") ?? fallback;
  const messages = [...list.querySelectorAll(":scope > .message")];
  if (!messages.length) return;
  const at = messages.indexOf(document.activeElement?.closest?.(".message"));
  const next = at < 0 ? messages.at(-1) : messages[Math.min(Math.max(at + step, 0), messages.length - 1)];
  messages.forEach((message) => { message.tabIndex = message === next ? 0 : -1; });
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}
