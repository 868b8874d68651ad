/** Modals: the app's views, one on top of another, with their fields and errors. */

import { renderBlocks } from "./blocks.js";
import { h } from "./dom.js";
import { showDialog } from "./dialogs.js";
import { wordsFor } from "./errors.js";
import { stateOf } from "./inputs.js";
import { plain, plainText } from "./mrkdwn.js";

/** Make the place for modals; `update()` shows the topmost view, or none. */
export function createModals(app) {
  let open = null;

  const update = () => {
    const view = app.workspace.views.at(-1) ?? null;
    if (view === (open?.view ?? null)) return;
    const before = open?.view.id === view?.id ? stateOf(open.fields) : {};
    if (!view) return drop();
    if (open) return renew(view, before);
    const dialog = h("dialog", { class: "modal" });
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      dismiss();
    });
    open = { dialog };
    redraw(view, before);
    showDialog(dialog);
    firstField()?.focus();
  };

  const drop = () => {
    open?.dialog.close();
    open = null;
  };
  const redraw = (view, before) => {
    const fields = [];
    const scene = app.viewScene(view, fields, (block, action) => before[block]?.[action]);
    Object.assign(open, { view, fields });
    open.dialog.setAttribute("aria-label", plain(view.title.text));
    open.dialog.replaceChildren(form(view, scene, { submit, dismiss }));
  };
  // Whoever fills in a field goes on there, and begins with the first that comes.
  const renew = (view, before) => {
    const held = holding(open.fields);
    const hadNone = open.fields.length === 0;
    redraw(view, before);
    if (held) held.resume(open.fields);
    else if (hadNone) firstField()?.focus();
  };
  const firstField = () => open.dialog.querySelector(".input input, .input textarea, .input select");
  const dismiss = async () => {
    const { view } = open;
    app.workspace.close(view.id);
    app.render();
    await app.server.closeView(view.id);
  };
  const submit = async (button) => {
    const { view, fields } = open;
    const missing = missingFields(fields);
    tellErrors(fields, missing);
    if (Object.keys(missing).length) return;
    button.setAttribute("aria-busy", "true");
    const answer = await app.server.submit(view.id, stateOf(fields));
    button.removeAttribute("aria-busy");
    if (answer.ok) return answer.response_action ? undefined : settle(view);
    if (answer.errors) return tellErrors(fields, answer.errors);
    const words = wordsFor(answer.error ?? "The app did not accept this.");
    open.dialog.querySelector(".modal-error").textContent = words;
  };
  // What the app answered with another view changes the list by itself.
  const settle = (view) => {
    if (!app.workspace.views.includes(view)) return;
    app.workspace.close(view.id);
    app.render();
  };
  return { update, isOpen: () => open !== null };
}

function form(view, scene, { submit, dismiss }) {
  const send = view.submit && h("button", { type: "submit", class: "button primary" }, plainText(view.submit));
  const leave = { type: "button", onclick: dismiss };
  const cancel = h("button", { ...leave, class: "button" }, view.close ? plainText(view.close) : "Cancel");
  const cross = h("button", { ...leave, class: "button icon", "aria-label": "Close" }, "×");
  const onsubmit = (event) => {
    event.preventDefault();
    submit(send);
  };
  return h(
    "form",
    { novalidate: true, onsubmit },
    h("header", {}, h("h2", {}, plainText(view.title)), cross),
    h("div", { class: "dialog-body" }, renderBlocks(view.blocks, scene)),
    h("footer", {}, h("p", { class: "modal-error", role: "alert" }), cancel, send),
  );
}

function missingFields(fields) {
  const missing = fields.filter((field) => field.missing?.());
  return Object.fromEntries(missing.map(({ block }) => [block.block_id, "Please fill in this field."]));
}

function tellErrors(fields, errors) {
  for (const field of fields) field.tell?.(errors[field.block.block_id]);
  fields.find((field) => field.tell && errors[field.block.block_id])?.focus();
}

/** What is being filled in now; `resume(fields)` goes on with it in a newer form. */
function holding(fields) {
  const { activeElement } = document;
  const field = fields.find((one) => one.has?.(activeElement));
  if (!field) return null;
  const { selectionStart: start, selectionEnd: end } = activeElement;
  const isSame = ({ block, element }) =>
    block.block_id === field.block.block_id && element.action_id === field.element.action_id;
  const resume = (newer) => {
    newer.find(isSame)?.focus?.();
    if (start != null) document.activeElement.setSelectionRange?.(start, end);
  };
  return { resume };
}
