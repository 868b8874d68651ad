/** Where one writes: Enter sends, Shift-Enter starts a line, Up recalls the last one sent. */

import { createSuggestions } from "./commands.js";
import { freshId, h } from "./dom.js";
import { wordsFor } from "./errors.js";

const TALLEST = 220;
const KEYS = [
  ["Enter", "send"],
  ["Shift Enter", "new line"],
  ["↑", "last line"],
  ["Ctrl K", "write"],
  ["J K", "move"],
  ["Esc", "close"],
];
/**
 * Make a composer; `send(text)` answers `{ok, error}`, `suggests` turns on slash commands.
 *
 * `update(label, place)` names it and gives each place a draft of its own; where a
 * place `is_read_only` there is nothing to write into.
 */
export function createComposer(app, { send, suggests }) {
  const input = h("textarea", { rows: 1, id: freshId("composer"), spellcheck: "false", autocomplete: "off" });
  const notice = h("p", { class: "notice", role: "alert", hidden: true });
  const submit = h("button", { type: "button", class: "button primary send", "aria-label": "Send" }, "Send");
  const suggestions = suggests ? createSuggestions(input, app) : null;
  const box = h("div", { class: "composer-box" }, input, submit);
  const keys = suggests ? keysLine() : null;
  const closed = h("p", { class: "closed", hidden: true }, wordsFor("messages_tab_read_only"));
  const element = h("div", { class: "composer" }, notice, suggestions?.element, box, closed, keys);
  const drafts = new Map();
  const sent = [];
  let place = null;

  const changed = () => {
    fit(input);
    submit.disabled = input.value.trim() === "";
    suggestions?.update();
  };
  const write = (text) => {
    input.value = text;
    changed();
  };
  const tell = (error) => {
    notice.textContent = error ? wordsFor(error) : "";
    notice.hidden = !error;
  };
  const submitText = async () => {
    const text = input.value.trim();
    if (!text) return;
    sent.push(text);
    suggestions?.sent(text);
    tell(null);
    write("");
    const answer = await send(text);
    if (answer.ok) return;
    tell(answer.error);
    if (!input.value) write(text);
  };
  const update = (label, { id: now, is_read_only: readOnly }) => {
    input.setAttribute("aria-label", label);
    input.placeholder = label;
    closed.hidden = !readOnly;
    box.hidden = Boolean(readOnly);
    for (const part of [suggestions?.element, keys]) if (part) part.hidden = Boolean(readOnly);
    if (now !== place) {
      drafts.set(place, input.value);
      place = now;
      tell(null);
      write(drafts.get(now) ?? "");
    }
  };

  submit.addEventListener("click", submitText);
  input.addEventListener("input", changed);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || suggestions?.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submitText();
    } else if (event.key === "ArrowUp" && input.value === "" && sent.length) {
      event.preventDefault();
      write(sent.at(-1));
    }
  });
  changed();
  return { element, update, focus: () => input.focus() };
}

function fit(input) {
  input.style.height = "auto";
  input.style.height = `${Math.min(input.scrollHeight + 2, TALLEST)}px`;
}

function keysLine() {
  const pairs = KEYS.map(([key, meaning]) => h("span", {}, h("kbd", {}, key), ` ${meaning}`));
  return h("p", { class: "keys", "aria-hidden": "true" }, pairs);
}
