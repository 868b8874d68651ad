/** The page: one person's view of the workspace, kept up to date. */

import { listenForKeys } from "./keyboard.js";
import { createHome } from "./home.js";
import { stateOf } from "./inputs.js";
import { createModals } from "./modal.js";
import { isPermalink, placeOf, rememberPlace } from "./place.js";
import { Refused, Server } from "./server.js";
import { createSidebar } from "./sidebar.js";
import { Workspace } from "./state.js";
import { createThread } from "./thread.js";
import { refreshTimes } from "./time.js";
import { createTimeline } from "./timeline.js";
import { placeOfChannel, Unread } from "./unread.js";

const element = (id) => document.getElementById(id);

class Page {
  workspace = new Workspace();
  unread = new Unread();
  place = placeOf(location.href);
  server = null;
  #waiting = null;
  #drawing = false;

  constructor() {
    this.names = {
      user: (id) => this.workspace.user(id),
      group: (id) => this.workspace.group(id),
      channel: (id) => this.workspace.channel(id),
      people: () => this.workspace.people,
      channels: () => this.workspace.channels,
      isMe: (id) => id === this.place.as,
      isPermalink,
    };
    this.sidebar = createSidebar(element("sidebar"), this);
    this.timeline = createTimeline(this);
    this.home = createHome(this);
    this.thread = createThread(element("thread"), this);
    this.modals = createModals(this);
  }

  /** Become another person, or whoever the server suggests. */
  become(person) {
    this.server?.leave();
    this.place.as = person;
    this.server = new Server(person);
    this.workspace.close();
    if (person) this.#listen();
    else this.#introduce();
  }

  /** Go elsewhere; with `focus`, into the composer of what opens. */
  go(changes, { focus = false } = {}) {
    Object.assign(this.place, changes);
    rememberPlace(this.place);
    this.draw();
    if (focus) (this.place.thread ? this.thread : this.timeline).composer.focus();
  }

  /** Send a line, as a slash command when it is one. */
  async send({ text, thread_ts: thread }) {
    const line = { channel: this.place.channel, text, ...(thread ? { thread_ts: thread } : {}) };
    const slash = /^\/[a-z]/i.test(text);
    (thread ? this.thread : this.timeline).toEnd();
    return slash ? this.server.slash(line) : this.server.say(line);
  }

  dismiss(message) {
    this.workspace.dismiss(this.place.channel, message.ts);
    this.render();
  }

  /** Say whether one may write where one is. */
  takesReplies() {
    return !this.workspace.channel(this.place.channel)?.is_read_only;
  }

  isReply(message) {
    return Boolean(message.thread_ts) && message.thread_ts !== message.ts;
  }

  inThread(message) {
    return this.place.thread === message.thread_ts;
  }

  /** What the blocks of *message* need. */
  scene(message) {
    const ephemeral = Boolean(message.is_ephemeral);
    const where = { channel: this.place.channel, message_ts: message.ts, ephemeral };
    return { names: this.names, act: (action) => this.server.act({ ...where, ...action }) };
  }

  /** What the blocks of a view need; its fields are collected in *fields*. */
  viewScene(view, fields, before) {
    const where = { view_id: view.id };
    const act = (action) => this.server.act({ ...where, state: { values: stateOf(fields) }, ...action });
    const suggest = (menu) => this.server.options({ ...where, ...menu });
    return { names: this.names, fields, before, act, suggest };
  }

  /** Draw soon, once for all that changes until then. */
  render() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.#drawing = false;
    const { place, workspace } = this;
    if (!workspace.me) return;
    const main = place.home ? this.home : this.timeline;
    if (!place.home) this.home.leave();
    if (!main.element.isConnected) element("main").replaceChildren(main.element);
    this.#markRead();
    this.thread.update();
    this.sidebar.update();
    main.update();
    this.modals.update();
    document.title = `${workspace.channel(place.channel)?.name ?? "home"} · ${workspace.team.name}`;
  }

  #markRead() {
    const { place, workspace } = this;
    const channel = workspace.channel(place.channel);
    if (place.home || !channel) return;
    this.unread.mark(place.as, placeOfChannel(channel), workspace.newest(channel.id));
  }

  #listen() {
    this.#waiting = [];
    this.server.listen({
      opened: () => this.#refetch(),
      update: (update) => this.#update(update),
      lost: () => this.#lost(),
    });
  }

  #lost() {
    this.#waiting = [];
    element("banner").hidden = false;
    this.#snapshot();
  }

  // Whoever is not known here (any more) gives way to somebody who is.
  async #snapshot() {
    const { server } = this;
    try {
      const snapshot = await server.state();
      return server === this.server ? snapshot : null;
    } catch (error) {
      if (error instanceof Refused && server === this.server) this.become(null);
      return null;
    }
  }

  // Nobody in particular was asked for: a writer sees more of the bot than a reader.
  async #introduce() {
    const snapshot = await this.server.state().catch(() => null);
    if (!snapshot) return void setTimeout(() => this.#introduce(), 1000);
    const active = snapshot.people.find(({ role_hint: hint, deleted }) => !deleted && /writer/.test(hint ?? ""));
    this.become((active ?? snapshot.me).id);
  }

  // Updates that arrive meanwhile wait, so that they are applied on top of the snapshot.
  async #refetch() {
    this.#waiting ??= [];
    const snapshot = await this.#snapshot();
    if (!snapshot) return;
    this.workspace.load(snapshot);
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting.forEach((update) => this.workspace.apply(update));
    if (this.place.home) this.home.refresh();
    element("banner").hidden = true;
    this.#settle();
  }

  #settle() {
    const { place, workspace } = this;
    place.as = workspace.me.id;
    if (!workspace.channel(place.channel)) {
      if (place.channel) place.thread = null;
      const joined = workspace.channels.find(({ is_member: member }) => member !== false);
      place.channel = (joined ?? workspace.channels[0])?.id;
    }
    const newest = workspace.channels.map(({ id }) => Number(workspace.newest(id)));
    this.unread.arrive(Math.max(0, ...newest));
    rememberPlace(place);
    this.draw();
    document.body.dataset.ready = place.as;
  }

  #update(update) {
    if (this.#waiting) return void this.#waiting.push(update);
    if (!this.workspace.apply(update)) this.#refetch();
    if (update.view?.type === "home" && this.place.home) this.home.refresh();
    this.render();
  }
}

const page = new Page();
page.become(page.place.as);
listenForKeys(page, () => ({ main: page.place.home ? page.home : page.timeline, thread: page.thread }));
setInterval(refreshTimes, 20_000);

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || link.hasAttribute("download") || !isPermalink(link.href)) return;
  event.preventDefault();
  const { channel, thread } = placeOf(link.href);
  page.go({ channel, thread, home: null });
});
