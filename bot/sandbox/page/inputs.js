/** Input blocks of a modal: label, control, hint, and the place for an error. */

import { control } from "./controls.js";
import { freshId, h } from "./dom.js";
import { plain, plainText } from "./mrkdwn.js";

/** Render an input block and register its field with the scene. */
export function inputBlock(block, scene) {
  const id = freshId("field");
  const before = scene.before?.(block.block_id, block.element.action_id);
  const made = control(block.element, scene.names, { before, id, suggest: suggestion(block, block.element, scene) });
  if (!made) return h("p", { class: "unknown" }, `(a field of type ${block.element.type})`);
  const error = h("p", { class: "error", id: `${id}-error`, hidden: true });
  made.focusable.setAttribute("aria-describedby", error.id);
  const root = h("div", { class: "input" }, labelOf(block, id), made.element, hintOf(block), error);
  scene.fields?.push({ block, element: block.element, read: made.read, ...errorPlace(block, made, error) });
  if (block.dispatch_action) watch(block, made, scene);
  return root;
}

/** What asks the app for the options of *element*, where the scene can. */
export function suggestion(block, element, scene) {
  const ids = { block_id: block.block_id, action_id: element.action_id };
  return scene.suggest && ((typed) => scene.suggest({ ...ids, value: typed }));
}

/** Read *fields* as the state of their view. */
export function stateOf(fields) {
  const values = {};
  for (const { block, element, read } of fields) {
    values[block.block_id] = { ...values[block.block_id], [element.action_id]: read() };
  }
  return values;
}

function labelOf(block, id) {
  const optional = block.optional && h("span", { class: "optional" }, " (optional)");
  return h("label", { for: id }, plainText(block.label), optional);
}

function hintOf(block) {
  return block.hint && h("p", { class: "hint" }, plain(block.hint.text));
}

function errorPlace(block, made, error) {
  const tell = (message) => {
    error.textContent = message ?? "";
    error.hidden = !message;
    made.focusable.setAttribute("aria-invalid", String(Boolean(message)));
  };
  return {
    tell,
    focus: () => made.focusable.focus(),
    has: (node) => made.element.contains(node),
    missing: () => !block.optional && made.empty(),
  };
}

/** Tell the app of the field: a choice at once, a text as its element asks for. */
function watch(block, made, scene) {
  const ids = { block_id: block.block_id, action_id: block.element.action_id };
  const isText = "value" in made.read();
  const act = () => scene.act({ ...ids, [isText ? "value" : "selected"]: made.selected() });
  if (!isText) return made.element.addEventListener("change", act);
  const moments = block.element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  if (moments.includes("on_character_entered")) made.element.addEventListener("input", act);
  if (!moments.includes("on_enter_pressed")) return;
  made.element.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault(); // it would submit the form
    act();
  });
}
