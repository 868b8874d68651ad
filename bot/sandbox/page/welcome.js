/** The beginning of a channel: where one is and what one can do here. */

import { h } from "./dom.js";
import { nameOf } from "./people.js";

/** Render the beginning of *channel*, with the commands one may type there. */
export function welcome(channel, app) {
  if (channel.is_im) return betweenTwo(nameOf(app.workspace.user(channel.user) ?? channel));
  const name = `#${channel.name}`;
  return h(
    "section",
    { class: "welcome", "aria-label": `The beginning of ${name}` },
    h("h2", {}, name),
    h("p", {}, `This is the very beginning of ${name}. What one does here stays on this machine.`),
    h("dl", {},
      app.workspace.commands.map(commandRow),
      row("thread", "Whatever an app tells goes on in a thread: open its replies, and answer there."),
      row("you", "Be somebody else, at the lower left: each may see and do other things.")),
  );
}

function betweenTwo(name) {
  return h(
    "section",
    { class: "welcome", "aria-label": `The beginning of your messages with ${name}` },
    h("h2", {}, name),
    h("p", {}, `This is between ${name} and you: what it tells nobody else stands here.`),
  );
}

function commandRow({ command, usage_hint: hint, description }) {
  return [
    h("dt", {}, h("code", {}, command)),
    h("dd", {}, description, hint && h("code", { class: "usage" }, `${command} ${hint}`)),
  ];
}

function row(term, words) {
  return [h("dt", {}, term), h("dd", {}, words)];
}
