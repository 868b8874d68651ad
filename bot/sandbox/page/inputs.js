/** Input blocks of a modal: label, control, hint, and the place for an error. */

import { control } from "./controls.js";
import { freshId, h } from "./dom.js";
import { plain, plainText } from "./mrkdwn.js";

/** Render an input block and register its field with the scene. */
export function inputBlock(block, scene) {
  const id = freshId("field");
  const before = scene.before?.(block.block_id, block.element.action_id);
  const made = control(block.element, scene.names, { before, id });
  if (!made) return h("p", { class: "unknown" }, `(a field of type ${block.element.type})`);
  const error = h("p", { class: "error", id: `${id}-error`, hidden: true });
  made.focusable.setAttribute("aria-describedby", error.id);
  const root = h("div", { class: "input" }, labelOf(block, id), made.element, hintOf(block), error);
  scene.fields?.push({ block, element: block.element, read: made.read, ...errorPlace(block, made, error) });
  if (block.dispatch_action) watch(block, made, scene);
  return root;
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
    missing: () => !block.optional && made.empty(),
  };
}

function watch(block, made, scene) {
  const ids = { block_id: block.block_id, action_id: block.element.action_id };
  made.element.addEventListener("change", () => {
    const answer = "value" in made.read() ? { value: made.selected() } : { selected: made.selected() };
    scene.act({ ...ids, ...answer });
  });
}
