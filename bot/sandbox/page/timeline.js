/** The main column: a channel's header, its messages, its composer. */

import { createComposer } from "./composer.js";
import { h } from "./dom.js";
import { messageElement } from "./message.js";
import { plainText } from "./mrkdwn.js";
import { messagePane } from "./pane.js";
import { channelTitle } from "./sidebar.js";
import { dayOf } from "./time.js";
import { welcome } from "./welcome.js";

const GROUPED_WITHIN = 300;

/** Make the column; `update()` brings it up to date. */
export function createTimeline(app) {
  const title = h("h1");
  const topic = h("p", { class: "topic" });
  const pane = messagePane("Messages");
  const composer = createComposer(app, {
    send: (text) => app.send({ text }),
    suggests: true,
  });
  const header = h("header", { class: "column-header" }, title, topic);
  const element = h("section", { class: "column" }, header, pane.element, composer.element);
  let shown = null;

  const update = () => {
    const channel = app.workspace.channel(app.place.channel);
    if (!channel) return;
    title.replaceChildren(channelTitle(channel, app));
    topic.replaceChildren(...plainText({ text: channel.topic ?? "" }));
    pane.show(rows(channel, app), rules(app));
    composer.update(`Message ${channel.is_im ? "" : "#"}${channel.name}`, channel);
    if (shown !== channel.id) pane.toEnd();
    shown = channel.id;
  };
  return { element, update, list: pane.list, toEnd: pane.toEnd, composer };
}

function rules(app) {
  return {
    key: (row) => row.key,
    print: (row) => [app.place.as, row.message, row.compact, row.chosen, row.text, ...printOf(row.summary)],
    render: (row) => render(row, app),
  };
}

function printOf(summary) {
  return summary ? [summary.count, summary.latest, summary.unread] : [];
}

function render(row, app) {
  if (row.kind === "day") return h("h2", { class: "day" }, h("span", {}, row.text));
  if (row.kind === "start") return welcome(row.channel, app);
  return messageElement(row.message, app, row);
}

function rows(channel, app) {
  const messages = app.workspace.timeline(channel.id);
  const all = [{ kind: "start", key: "start", text: channel.id, channel }];
  messages.forEach((message, at) => {
    const before = messages[at - 1];
    const day = dayOf(message.ts);
    const newDay = !before || dayOf(before.ts) !== day;
    if (newDay) all.push({ kind: "day", key: `day ${day}`, text: day });
    all.push(row(message, { compact: !newDay && continues(before, message) }, channel, app));
  });
  return all;
}

function row(message, { compact }, channel, app) {
  const summary = message.is_ephemeral || app.isReply(message) ? null : threadSummary(message, channel, app);
  const chosen = app.place.thread === message.ts;
  return { kind: "message", key: rowKey(message), message, compact, summary, chosen };
}

/** A name for a message in a list; an ephemeral one may share its timestamp with another. */
export function rowKey(message) {
  return message.is_ephemeral ? `only you ${message.ts}` : message.ts;
}

/** Say whether *message* goes on from *before* without a name of its own. */
export function continues(before, message) {
  const apart = [before, message].some((one) => one.is_ephemeral || one.subtype);
  if (apart || before.reply_count || before.blocks?.length) return false;
  const author = (one) => one.user ?? one.bot_id;
  return author(before) === author(message) && Number(message.ts) - Number(before.ts) < GROUPED_WITHIN;
}

function threadSummary(message, channel, app) {
  const replies = app.workspace.replies(channel.id, message.ts);
  const latest = replies.at(-1)?.ts ?? message.latest_reply;
  const byAuthor = new Map(replies.map((reply) => [reply.user ?? reply.bot_id, reply]));
  return {
    count: replies.length,
    latest,
    unread: replies.length > 0 && app.unread.has(app.place.as, `${channel.id} ${message.ts}`, latest),
    authors: [...byAuthor.values()].slice(0, 3).map((reply) => app.workspace.author(reply)),
  };
}
