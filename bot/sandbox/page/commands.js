/** Slash commands under the composer: what one may type, and a first thing to try. */

import { freshId, h } from "./dom.js";

const TRIED = "sandbox-tried-a-command";

/**
 * Make the suggestions for *input*.
 *
 * `key(event)` answers true when it took the key; `sent(text)` notes a line that went out.
 */
export function createSuggestions(input, app) {
  const role = { role: "listbox", "aria-label": "Slash commands" };
  const list = h("div", { class: "suggestions", id: freshId("commands"), ...role, hidden: true });
  const attempt = h("p", { class: "try", hidden: true });
  const element = h("div", { class: "suggestions-place" }, list, attempt);
  let chosen = 0;
  let dismissed = null;

  input.setAttribute("aria-controls", list.id);
  const known = () => (dismissed === input.value ? [] : matching(app.workspace.commands, input.value));
  const complete = (command) => {
    input.value = `${command.command} `;
    input.dispatchEvent(new Event("input"));
    input.focus();
  };
  const dismiss = (text) => {
    dismissed = text;
    update();
  };
  const update = () => {
    const commands = known();
    chosen = Math.min(chosen, Math.max(commands.length - 1, 0));
    list.replaceChildren(...commands.map((command, at) => option(command, at === chosen, complete)));
    list.hidden = commands.length === 0;
    showAttempt(attempt, input, app);
  };
  const step = (by, count) => {
    chosen = (chosen + by + count) % count;
    update();
  };
  const actionFor = (pressed, commands) => {
    const unfinished = !input.value.includes(" ");
    const pick = () => complete(commands[chosen]);
    if (pressed === "Tab" && unfinished) return pick;
    if (pressed === "Enter" && unfinished && input.value !== commands[chosen].command) return pick;
    if (pressed === "Escape") return () => dismiss(input.value);
    if (pressed === "ArrowDown" && commands.length > 1) return () => step(1, commands.length);
    if (pressed === "ArrowUp" && commands.length > 1) return () => step(-1, commands.length);
    return null;
  };
  const key = (event) => {
    const commands = known();
    const action = commands.length && !event.shiftKey ? actionFor(event.key, commands) : null;
    if (!action) return false;
    event.preventDefault();
    event.stopPropagation();
    action();
    return true;
  };
  const sent = (text) => text.startsWith("/") && localStorage.setItem(TRIED, "yes");
  return { element, update, key, sent };
}

function matching(commands, text) {
  if (!text.startsWith("/") || text.includes("\n")) return [];
  const [word] = text.split(" ");
  if (text.includes(" ")) return commands.filter(({ command }) => command === word);
  return commands.filter(({ command }) => command.startsWith(word));
}

function option(command, selected, complete) {
  const onmousedown = (event) => {
    event.preventDefault(); // the focus stays in the composer
    complete(command);
  };
  return h(
    "div",
    { class: "suggestion", role: "option", "aria-selected": String(selected), onmousedown },
    h("b", {}, command.command),
    command.usage_hint && h("code", {}, command.usage_hint),
    command.description && h("span", {}, command.description),
  );
}

function showAttempt(element, input, app) {
  const command = app.workspace.commands.find(({ example, usage_hint: hint }) => example || hint);
  element.hidden = !command || input.value !== "" || localStorage.getItem(TRIED) !== null;
  if (element.hidden) return;
  const line = `${command.command} ${command.example ?? command.usage_hint}`;
  const take = () => {
    input.value = command.example ? line : `${command.command} `;
    input.dispatchEvent(new Event("input"));
    input.focus();
  };
  const title = "Put it into the composer";
  element.replaceChildren("Try: ", h("button", { type: "button", onclick: take, title }, line));
}
