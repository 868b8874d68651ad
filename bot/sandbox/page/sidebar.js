/** The sidebar: channels, apps, and who you are. */

import { h } from "./dom.js";
import { glyph } from "./glyphs.js";
import { reconcile } from "./list.js";
import { face, nameOf, roleOf } from "./people.js";
import { DIRECT, placeOfChannel } from "./unread.js";

/** A channel's name with its sign; a direct message goes by whom it is with. */
export function channelTitle(channel, app) {
  const partner = channel.is_im && app.workspace.user(channel.user);
  if (partner) return h("span", { class: "channel-name with" }, face(partner), nameOf(partner));
  const sign = h("span", { class: "sign", "aria-hidden": "true" }, channel.is_private ? glyph("lock") : "#");
  return h("span", { class: "channel-name" }, sign, channel.name);
}

/** Fill *element*; `update()` brings it up to date. */
export function createSidebar(element, app) {
  const team = h("b");
  const channels = h("div", { class: "entries" });
  const messages = h("div", { class: "entries" });
  const apps = h("div", { class: "entries" });
  const people = h("div", { class: "entries people", role: "radiogroup", "aria-labelledby": "who" });
  const conversations = h("section", {}, h("h2", {}, "Direct messages"), messages);
  const homes = h("section", {}, h("h2", {}, "Apps"), apps);
  const icon = h("img", { src: "/page/icon.svg", alt: "", width: 30, height: 30 });
  element.append(
    h("header", {}, icon, h("span", {}, team, h("small", {}, "a local workspace"))),
    h("div", { class: "places" },
      h("section", {}, h("h2", {}, "Channels"), channels),
      conversations,
      homes),
    h("section", { class: "who" }, h("h2", { id: "who" }, "You are"), people),
  );
  people.addEventListener("keydown", (event) => stepThrough(event, people));

  const update = () => {
    const { workspace, place } = app;
    team.textContent = workspace.team.name;
    const direct = workspace.channels.filter((one) => one.is_im);
    const open = workspace.channels.filter((one) => !one.is_im);
    conversations.hidden = direct.length === 0;
    reconcile(channels, open, channelRules(app));
    reconcile(messages, direct, channelRules(app));
    const withHome = workspace.bots.filter((bot) => bot.has_home !== false);
    homes.hidden = withHome.length === 0;
    reconcile(apps, withHome, botRules(app));
    const active = workspace.people.filter((person) => !person.deleted);
    reconcile(people, active, personRules(app, place.as));
  };
  return { update };
}

function channelRules(app) {
  const unread = (channel) =>
    app.unread.has(app.place.as, placeOfChannel(channel), app.workspace.newest(channel.id));
  const current = ({ id }) => id === app.place.channel && !app.place.home;
  return {
    key: ({ id }) => id,
    print: (channel) => [channel.name, channel.is_member, unread(channel), current(channel)],
    render: (channel) => channelEntry(channel, { unread: unread(channel), current: current(channel) }, app),
  };
}

function channelEntry(channel, { unread, current }, app) {
  const outside = channel.is_member === false;
  return h(
    "button",
    {
      type: "button",
      class: ["entry", unread && "unread", outside && "outside"].filter(Boolean).join(" "),
      "aria-current": current ? "page" : null,
      title: outside ? "You are not a member" : null,
      dataset: { focus: "entry" },
      onclick: () => app.go({ channel: channel.id, thread: null, home: null }),
    },
    channelTitle(channel, app),
    unread && dot(),
  );
}

function botRules(app) {
  const current = ({ id }) => id === app.place.home;
  return {
    key: ({ id }) => id,
    print: (bot) => [nameOf(bot), current(bot)],
    render: (bot) => h("button", {
      type: "button",
      class: "entry",
      "aria-current": current(bot) ? "page" : null,
      onclick: () => app.go({ home: bot.id, thread: null }),
    }, face(bot), nameOf(bot)),
  };
}

function dot() {
  return h("span", { class: "dot", role: "img", "aria-label": "unread" });
}

function personRules(app, me) {
  const unread = ({ id }) => id !== me && app.unread.has(id, DIRECT, app.workspace.told(id));
  return {
    key: ({ id }) => id,
    print: (person) => [nameOf(person), person.role_hint, person.id === me, unread(person)],
    render: (person) => h("button", {
      type: "button",
      class: "entry",
      role: "radio",
      "aria-checked": String(person.id === me),
      tabindex: person.id === me ? 0 : -1,
      onclick: () => app.become(person.id),
      title: unread(person) ? `${nameOf(person)} has a direct message` : null,
    }, face(person), h("span", { class: "person-name" }, nameOf(person)), unread(person) && dot(), roleOf(person)),
  };
}

function stepThrough(event, people) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  event.stopPropagation();
  const entries = [...people.children];
  const next = entries.at((entries.indexOf(document.activeElement) + step) % entries.length);
  next.focus();
  next.click();
}
