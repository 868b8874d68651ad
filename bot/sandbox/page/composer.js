/** Where one writes: Enter sends, Shift-Enter starts a line, Up recalls the last one sent. */

import { createSuggestions } from "./commands.js";
import { freshId, h } from "./dom.js";

const TALLEST = 220;
const KEYS = [
  ["Enter", "send"],
  ["Shift Enter", "new line"],
  ["↑", "last line"],
  ["Ctrl K", "write"],
  ["J K", "move"],
  ["Esc", "close"],
];
const ERRORS = {
  operation_timeout: "The app did not answer within 3 seconds (operation_timeout).",
  dispatch_failed: "No app is connected to take this command (dispatch_failed).",
  unknown_command: "No app in this workspace knows this command.",
  not_in_channel: "You are not a member of this channel.",
  channel_not_found: "This channel does not exist, or you may not see it.",
  is_archived: "This channel is archived.",
};

/**
 * Make a composer; `send(text)` answers `{ok, error}`, `suggests` turns on slash commands.
 *
 * `update(label, place)` names it and gives each place a draft of its own.
 */
export function createComposer(app, { send, suggests }) {
  const input = h("textarea", { rows: 1, id: freshId("composer"), spellcheck: "false", autocomplete: "off" });
  const notice = h("p", { class: "notice", role: "alert", hidden: true });
  const submit = h("button", { type: "button", class: "button primary send", "aria-label": "Send" }, "Send");
  const suggestions = suggests ? createSuggestions(input, app) : null;
  const box = h("div", { class: "composer-box" }, input, submit);
  const element = h("div", { class: "composer" }, notice, suggestions?.element, box, suggests && keysLine());
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
    notice.textContent = error ? (ERRORS[error] ?? error) : "";
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
  const update = (label, now) => {
    input.setAttribute("aria-label", label);
    input.placeholder = label;
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
