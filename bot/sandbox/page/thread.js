/** The thread pane: a parent, its replies, a composer of its own. */

import { createComposer } from "./composer.js";
import { h } from "./dom.js";
import { messageElement } from "./message.js";
import { messagePane } from "./pane.js";
import { channelTitle } from "./sidebar.js";
import { continues, rowKey } from "./timeline.js";

/** Make the pane in *element*; `update()` shows or hides it. */
export function createThread(element, app) {
  const where = h("span", { class: "where" });
  const close = closeButton(() => app.go({ thread: null }));
  const pane = messagePane("Thread");
  const composer = createComposer(app, {
    send: (text) => app.send({ text, thread_ts: app.place.thread }),
    suggests: false,
  });
  const header = h("header", { class: "column-header" }, h("h2", {}, "Thread"), where, close);
  element.append(h("section", { class: "column" }, header, pane.element, composer.element));
  let shown = null;

  const update = () => {
    const { channel, thread, as } = app.place;
    element.hidden = !thread;
    document.body.classList.toggle("with-thread", Boolean(thread));
    if (thread) {
      const rows = threadRows(app.workspace.thread(channel, thread));
      const place = app.workspace.channel(channel);
      where.replaceChildren(place ? channelTitle(place, app) : "");
      pane.show(rows, rules(as, app));
      app.unread.mark(as, `${channel} ${thread}`, rows.at(-1).message?.ts ?? thread);
      composer.update("Reply in thread", { ...place, id: `${channel} ${thread}` });
      if (shown !== thread) pane.toEnd();
    }
    shown = thread;
  };
  return { update, list: pane.list, toEnd: pane.toEnd, composer };
}

function closeButton(onclick) {
  const words = { "aria-label": "Close thread", title: "Close (Esc)" };
  return h("button", { type: "button", class: "button icon", ...words, onclick }, "×");
}

function rules(as, app) {
  return {
    key: (row) => row.key,
    print: (row) => [as, row.message, row.compact, row.count],
    render: (row) => render(row, app),
  };
}

function threadRows([parent, ...replies]) {
  const count = replies.length;
  const rows = replies.map((message, at) => ({
    key: rowKey(message),
    message,
    compact: at > 0 && continues(replies[at - 1], message),
  }));
  return [{ key: parent.ts, message: parent, compact: false }, { key: "count", count }, ...rows];
}

function render(row, app) {
  if (row.message) return messageElement(row.message, app, row);
  const words = row.count === 1 ? "1 reply" : `${row.count} replies`;
  return h("div", { class: "day" }, h("span", {}, row.count ? words : "No replies yet"));
}
