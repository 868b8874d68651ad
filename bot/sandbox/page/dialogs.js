/** Dialogs: the browser's own element keeps the focus inside and closes on Escape. */

import { h } from "./dom.js";
import { plainText, textObject } from "./mrkdwn.js";

/** Show a dialog; its `close` event comes however it is closed, then it is gone. */
export function showDialog(dialog) {
  const before = document.activeElement;
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    before?.isConnected && before.focus();
  });
  dialog.showModal();
}

/** Ask what a `confirm` object says; resolves to true when the person agrees. */
export function confirmed(confirm, names) {
  const kind = `button ${confirm.style ?? "primary"}`;
  const agree = h("button", { class: kind, value: "yes" }, plainText(confirm.confirm));
  const deny = h("button", { class: "button", value: "no", autofocus: true }, plainText(confirm.deny));
  const dialog = h(
    "dialog",
    { class: "confirm", "aria-label": confirm.title.text },
    h("form", { method: "dialog" },
      h("h2", {}, plainText(confirm.title)),
      h("div", { class: "dialog-body" }, textObject(confirm.text, names)),
      h("footer", {}, deny, agree)),
  );
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"));
    showDialog(dialog);
  });
}
