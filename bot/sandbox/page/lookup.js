/** A menu whose options the app offers while one types (`external_select`). */

import { freshId, h } from "./dom.js";
import { wordsFor } from "./errors.js";
import { plain } from "./mrkdwn.js";

const PAUSE = 150;

/**
 * Make the control; `suggest(typed)` answers `{ok, options}`. What is chosen is one of
 * the options, never a text of one's own.
 */
export function lookupControl(element, suggest, before, label, id) {
  let chosen = before?.selected_option ?? element.initial_option ?? null;
  let offered = [];
  let at = -1;
  let asked = 0;
  let waiting = 0;
  const list = h("div", { class: "offers", id: freshId("offers"), role: "listbox", "aria-label": label ?? "Options" });
  const input = h("input", {
    id,
    type: "text",
    role: "combobox",
    "aria-label": label,
    "aria-controls": list.id,
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: element.placeholder ? plain(element.placeholder.text) : "Choose…",
    value: chosen ? plain(chosen.text.text) : "",
  });
  const root = h("span", { class: "lookup" }, input, list);
  list.hidden = true;

  const show = (rows) => {
    list.replaceChildren(...rows);
    list.hidden = rows.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
  };
  const close = () => {
    asked += 1;
    clearTimeout(waiting);
    show([]);
    input.value = chosen ? plain(chosen.text.text) : "";
  };
  const choose = (option) => {
    chosen = option;
    close();
    root.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const draw = () => show(offered.length ? offered.map(row) : [note("Nothing found")]);
  const row = (option, index) => {
    const onmousedown = (event) => {
      event.preventDefault(); // the focus stays in the field
      choose(option);
    };
    const marks = { role: "option", "aria-selected": String(index === at) };
    return h("div", { class: "offer", ...marks, onmousedown }, plain(option.text.text));
  };
  const ask = async (typed) => {
    const mine = (asked += 1);
    const answer = await suggest(typed);
    if (mine !== asked) return;
    offered = answer.ok ? answer.options : [];
    at = offered.length ? 0 : -1;
    if (answer.ok) draw();
    else show([note(wordsFor(answer.error))]);
  };
  const soon = (typed, pause) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => ask(typed), pause);
  };
  const step = (by) => {
    at = (at + by + offered.length) % offered.length;
    draw();
    list.children[at].scrollIntoView({ block: "nearest" });
  };
  const keys = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    Enter: () => choose(offered[at]),
    Escape: close,
  };

  input.addEventListener("focus", () => input.select());
  input.addEventListener("click", () => list.hidden && soon("", 0));
  input.addEventListener("input", () => soon(input.value, PAUSE));
  input.addEventListener("change", (event) => event.stopPropagation());
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (list.hidden && event.key === "ArrowDown") return void soon("", 0);
    const act = keys[event.key];
    if (list.hidden || !act) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape" || offered.length) act();
  });
  return {
    element: root,
    focusable: input,
    read: () => ({ type: element.type, selected_option: chosen }),
    selected: () => chosen,
    empty: () => !chosen,
  };
}

function note(words) {
  return h("div", { class: "offer none" }, words);
}
