/** Keys that work everywhere on the page. */

import { takesText } from "./dom.js";
import { moveFocus } from "./pane.js";

/** Listen for keys; `columns()` answers `{main, thread}`, the columns now in sight. */
export function listenForKeys(app, columns) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const action = actionFor(event, app, columns());
    if (!action) return;
    event.preventDefault();
    action();
  });
}

function actionFor(event, app, { main, thread }) {
  const typing = takesText(event.target);
  if ((event.ctrlKey || event.metaKey) && event.key === "k") return () => main.composer?.focus();
  if (event.key === "Escape") return escape(typing, app, main);
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return null;
  const current = document.activeElement;
  const keys = {
    "/": () => main.composer?.focus(),
    j: () => moveFocus(1, main.list),
    k: () => moveFocus(-1, main.list),
  };
  if (keys[event.key]) return keys[event.key];
  if (!current?.matches(".message")) return null;
  return messageKey(event.key, current, app, thread);
}

function messageKey(key, message, app, thread) {
  if (key === "ArrowDown") return () => moveFocus(1);
  if (key === "ArrowUp") return () => moveFocus(-1);
  if (key !== "Enter" || !message.dataset.thread) return null;
  if (message.closest("#thread")) return () => thread.composer.focus();
  return () => app.go({ thread: message.dataset.thread }, { focus: true });
}

function escape(typing, app, main) {
  if (!app.place.thread) return typing ? () => moveFocus(0, main.list) : null;
  return () => {
    const parent = `#main .message[data-ts="${CSS.escape(app.place.thread)}"]`;
    app.go({ thread: null });
    document.querySelector(parent)?.focus();
  };
}
