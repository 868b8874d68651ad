/** Form controls for Slack's input elements; each knows how to read itself as view state. */

import { freshId, h } from "./dom.js";
import { lookupControl } from "./lookup.js";
import { plain, plainText, textObject } from "./mrkdwn.js";

const TEXT_TYPES = {
  plain_text_input: "text",
  number_input: "text",
  email_text_input: "email",
  url_text_input: "url",
  datepicker: "date",
  timepicker: "time",
};

/**
 * Make the control for *element*, or answer null for a kind not known here.
 *
 * `before` is what an earlier rendering of it read, `label` its accessible name,
 * `suggest(typed)` asks the app what it offers. The answer has `element`, `focusable`, `read()` (Slack's state shape), `selected()`
 * (the chosen value or values) and `empty()`.
 */
export function control(element, names, { before = null, label = null, id = freshId("field"), suggest } = {}) {
  if (element.type in TEXT_TYPES) return textControl(element, before, label, id);
  switch (element.type) {
    case "static_select":
      return selectControl(element, before, label, id);
    case "external_select":
      return suggest ? lookupControl(element, suggest, before, label, id) : null;
    case "users_select":
      return pickControl(element, names.people(), "selected_user", before, label, id);
    case "channels_select":
    case "conversations_select":
      return pickControl(element, names.channels(), pickKey(element.type), before, label, id);
    case "radio_buttons":
      return choiceControl(element, names, "radio", before, id);
    case "checkboxes":
    case "multi_static_select":
      return choiceControl(element, names, "checkbox", before, id);
    default:
      return null;
  }
}

function textControl(element, before, label, id) {
  const key = { datepicker: "selected_date", timepicker: "selected_time" }[element.type] ?? "value";
  const properties = {
    id,
    "aria-label": label,
    placeholder: element.placeholder && plain(element.placeholder.text),
    maxlength: element.max_length,
    inputmode: element.type === "number_input" ? "decimal" : null,
    value: before?.[key] ?? element[initialOf(key)] ?? "",
    spellcheck: "false",
  };
  const input = element.multiline
    ? h("textarea", { ...properties, rows: 4 })
    : h("input", { ...properties, type: TEXT_TYPES[element.type], autocomplete: "off" });
  const read = () => ({ type: element.type, [key]: input.value === "" ? null : input.value });
  const empty = () => input.value.trim() === "";
  return { element: input, focusable: input, read, selected: () => input.value, empty };
}

function selectControl(element, before, label, id) {
  const options = element.options ?? element.option_groups?.flatMap((group) => group.options) ?? [];
  const chosen = (before?.selected_option ?? element.initial_option)?.value;
  const choices = options.map(({ text, value }) =>
    h("option", { value, selected: value === chosen }, plain(text.text)),
  );
  const select = selectOf(choices, element, label, id, chosen);
  const option = () => options.find(({ value }) => value === select.value) ?? null;
  const read = () => ({ type: element.type, selected_option: option() });
  return { element: select, focusable: select, read, selected: () => select.value, empty: () => !option() };
}

function pickControl(element, things, key, before, label, id) {
  const chosen = before?.[key] ?? element[initialOf(key)];
  const choices = things.map(({ id: value, name }) =>
    h("option", { value, selected: value === chosen }, name),
  );
  const select = selectOf(choices, element, label, id, chosen);
  const read = () => ({ type: element.type, [key]: select.value || null });
  const empty = () => !select.value;
  return { element: select, focusable: select, read, selected: () => select.value, empty };
}

function initialOf(key) {
  return key === "value" ? "initial_value" : key.replace("selected", "initial");
}

function pickKey(type) {
  return type === "channels_select" ? "selected_channel" : "selected_conversation";
}

function selectOf(choices, element, label, id, chosen) {
  const words = element.placeholder ? plain(element.placeholder.text) : "Choose…";
  const nothing = h("option", { value: "", disabled: true, hidden: true, selected: !chosen }, words);
  return h("select", { id, "aria-label": label }, nothing, choices);
}

function choiceControl(element, names, type, before, id) {
  const initial = before ? chosenBefore(before) : chosenAtFirst(element);
  const name = freshId("choice");
  const inputs = element.options.map(({ value }) =>
    h("input", { type, name, value, checked: initial.includes(value) }),
  );
  const rows = element.options.map((option, at) => choiceRow(option, inputs[at], names));
  inputs[0].id = id;
  const chosen = () => element.options.filter((_, at) => inputs[at].checked);
  const values = () => chosen().map(({ value }) => value);
  return {
    element: h("span", { class: "choices", role: type === "radio" ? "radiogroup" : "group" }, rows),
    focusable: inputs[0],
    read: () => ({ type: element.type, ...stateOf(type, chosen()) }),
    selected: () => (type === "radio" ? values()[0] : values()),
    empty: () => chosen().length === 0,
  };
}

function stateOf(type, chosen) {
  return type === "radio" ? { selected_option: chosen[0] ?? null } : { selected_options: chosen };
}

function choiceRow({ text, description }, input, names) {
  const words = h("span", {}, text.type === "mrkdwn" ? textObject(text, names) : plainText(text));
  if (description) words.append(h("small", {}, plain(description.text)));
  return h("label", { class: "choice" }, input, words);
}

function chosenBefore(before) {
  return valuesOf(before.selected_options ?? [before.selected_option]);
}

function chosenAtFirst(element) {
  return valuesOf(element.initial_options ?? [element.initial_option]);
}

function valuesOf(options) {
  return options.filter(Boolean).map(({ value }) => value);
}
