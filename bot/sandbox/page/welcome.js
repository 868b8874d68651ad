/** The beginning of a channel: where one is and what one can do here. */

import { h } from "./dom.js";

/** Render the beginning of *channel*; `commands` are those one may type. */
export function welcome(channel, commands) {
  const name = channel.is_im ? channel.name : `#${channel.name}`;
  return h(
    "section",
    { class: "welcome", "aria-label": `The beginning of ${name}` },
    h("h2", {}, name),
    h("p", {}, `This is the very beginning of ${name}. What one does here stays on this machine.`),
    h("dl", {},
      commands.map(commandRow),
      row("thread", "Whatever an app tells goes on in a thread: open its replies, and answer there."),
      row("you", "Be somebody else, at the lower left: each may see and do other things.")),
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
