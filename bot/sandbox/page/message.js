/** One message, in a channel or in a thread. */

import { renderBlocks } from "./blocks.js";
import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { fileCards } from "./files.js";
import { mrkdwn } from "./mrkdwn.js";
import { face, nameOf } from "./people.js";
import { timeElement } from "./time.js";

/**
 * Render *message*; `compact` leaves out face and name, `summary` tells its thread
 * (`{count, latest, unread, authors}`), `chosen` says that its thread is open.
 */
export function messageElement(message, app, { compact = false, summary = null, chosen = false } = {}) {
  if (message.subtype === "tombstone") return gravestone(message, app, summary);
  const author = app.workspace.author(message);
  const kinds = { compact, chosen, ephemeral: message.is_ephemeral };
  return h(
    "article",
    {
      class: ["message", ...Object.keys(kinds).filter((kind) => kinds[kind])].join(" "),
      tabindex: -1,
      "aria-label": `${nameOf(author)}: ${(message.text ?? "").slice(0, 120)}`,
      dataset: { ts: message.ts, thread: message.is_ephemeral ? "" : (message.thread_ts ?? message.ts) },
    },
    compact ? h("div", { class: "margin" }, timeElement(message.ts)) : face(author),
    h("div", { class: "message-body" },
      !compact && byline(message, author),
      message.is_ephemeral && onlyYou(message, app),
      message.subtype === "thread_broadcast" && !app.inThread(message) && fromThread(message, app),
      h("div", { class: "content" }, content(message, app)),
      message.files?.length > 0 && fileCards(message.files, (url) => app.server.fileUrl(url)),
      message.reactions?.length > 0 && reactions(message.reactions, app),
      summary?.count > 0 && replies(message, summary, app)),
    !message.is_ephemeral && !app.isReply(message) && app.takesReplies() && toolbar(message, app),
  );
}

function gravestone(message, app, summary) {
  return h(
    "article",
    { class: "message deleted", tabindex: -1, dataset: { ts: message.ts, thread: message.ts } },
    h("div", { class: "margin" }),
    h("div", { class: "message-body" },
      h("p", {}, "This message was deleted."),
      summary?.count > 0 && replies(message, summary, app)),
  );
}

function byline(message, author) {
  return h(
    "header",
    {},
    h("b", { class: "author" }, nameOf(author)),
    (author.is_bot || message.bot_id) && h("span", { class: "badge" }, "App"),
    timeElement(message.ts),
  );
}

function content(message, app) {
  if (message.blocks?.length) return renderBlocks(message.blocks, app.scene(message));
  const edited = message.edited && !message.bot_id && h("small", { class: "edited" }, "(edited)");
  return [mrkdwn(message.text ?? "", app.names), edited];
}

function onlyYou(message, app) {
  const dismiss = () => app.dismiss(message);
  return h(
    "p",
    { class: "only-you" },
    "Only visible to you",
    h("button", { type: "button", class: "plain", onclick: dismiss }, "Dismiss"),
  );
}

function fromThread(message, app) {
  const open = () => app.go({ thread: message.thread_ts });
  return h("button", { type: "button", class: "plain from-thread", onclick: open }, "replied to a thread");
}

function reactions(list, app) {
  const names = (users) => (users ?? []).map((id) => app.workspace.user(id)?.name ?? id).join(", ");
  const pills = list.map(({ name, count, users }) =>
    h("span", { class: "reaction", title: names(users) }, emoji(name) ?? `:${name}:`, ` ${count}`),
  );
  return h("div", { class: "reactions", "aria-label": "Reactions" }, pills);
}

function replies(message, { count, latest, unread, authors }, app) {
  const open = () => app.go({ thread: message.ts });
  return h(
    "button",
    {
      type: "button",
      class: unread ? "replies unread" : "replies",
      onclick: open,
      dataset: { focus: "replies" },
    },
    h("span", { class: "faces" }, authors.map(face)),
    h("b", {}, count === 1 ? "1 reply" : `${count} replies`),
    h("small", {}, "last ", timeElement(latest)),
    unread && h("span", { class: "dot", role: "img", "aria-label": "unread" }),
  );
}

function toolbar(message, app) {
  const open = () => app.go({ thread: message.ts }, { focus: true });
  return h(
    "div",
    { class: "toolbar" },
    h(
      "button",
      { type: "button", class: "button", onclick: open, dataset: { focus: "reply" }, tabindex: -1 },
      "Reply in thread",
    ),
  );
}
