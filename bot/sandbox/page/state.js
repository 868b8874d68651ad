/** The workspace as one person sees it, and everything that may change it. */

export class Workspace {
  team = { id: "", name: "" };
  me = null;
  commands = [];
  channels = [];
  views = [];
  #users = new Map();
  #groups = new Map();
  #messages = new Map();
  #ephemerals = new Map();
  #told = new Map();

  /** Take over a snapshot, keeping each value that did not change. */
  load(snapshot) {
    this.team = snapshot.team;
    this.me = snapshot.me;
    this.commands = snapshot.commands;
    this.channels = snapshot.channels;
    this.people = snapshot.people.filter((person) => !person.is_bot);
    this.bots = snapshot.bots;
    this.#users = new Map([...snapshot.people, ...snapshot.bots].map((user) => [user.id, user]));
    this.#told = new Map(this.people.map(({ id, told }) => [id, told || "0"]));
    this.#groups = new Map((snapshot.groups ?? []).map((group) => [group.id, group]));
    this.#messages = shelves(snapshot.messages, this.#messages);
    this.#ephemerals = shelves(snapshot.ephemerals, this.#ephemerals);
    this.views = (snapshot.views ?? this.views).map((view) => this.#known(view));
  }

  /** Apply one update; answer false when only a new snapshot can tell. */
  apply(update) {
    switch (update.type) {
      case "message":
      case "message_changed":
        return put(this.#shelf(this.#messages, update.channel), update.message);
      case "message_deleted":
        return this.#shelf(this.#messages, update.channel).delete(update.ts) || true;
      case "ephemeral":
        return put(this.#shelf(this.#ephemerals, update.channel), update.message);
      case "ephemeral_deleted":
        return this.dismiss(update.channel, update.ts);
      case "reaction":
        return put(this.#shelf(this.#messages, update.channel), update.message);
      case "view":
        return this.#show(update.view);
      case "told":
        return this.#tell(update.user, update.ts);
      case "view_closed":
        return this.close(update.view?.id);
      default:
        return false;
    }
  }

  /** Forget an ephemeral message. */
  dismiss(channel, ts) {
    this.#shelf(this.#ephemerals, channel).delete(ts);
    return true;
  }

  /** Drop one view, or all when the id is not told. */
  close(viewId) {
    this.views = viewId ? this.views.filter((view) => view.id !== viewId) : [];
    return true;
  }

  /** The timestamp of the newest direct message to a person, "0" when there is none. */
  told(person) {
    const mine = person === this.me.id && this.channels.find(({ is_im: direct }) => direct);
    return mine ? this.newest(mine.id) : (this.#told.get(person) ?? "0");
  }

  user(id) {
    return this.#users.get(id);
  }

  group(id) {
    return this.#groups.get(id);
  }

  channel(id) {
    return this.channels.find((channel) => channel.id === id);
  }

  /** Whoever wrote *message*. */
  author(message) {
    const named = this.user(message.user);
    if (named) return named;
    const bot = this.bots.find((one) => one.bot_id === message.bot_id) ?? this.bots[0];
    if (message.bot_id && bot) return bot;
    return { id: message.user ?? "", name: message.username ?? "unknown" };
  }

  /** What a channel shows, oldest first; a deleted parent leaves a gravestone. */
  timeline(channel) {
    const shelf = this.#shelf(this.#messages, channel);
    const shown = [...shelf.values()].filter(isTopLevel);
    const orphaned = new Set([...shelf.values()].map((one) => one.thread_ts));
    for (const ts of orphaned) if (ts && !shelf.has(ts)) shown.push(gravestone(ts));
    const aside = this.#private(channel).filter((one) => !one.thread_ts);
    return [...shown, ...aside].sort(byTime);
  }

  /** A thread: its parent, then the replies, oldest first. */
  thread(channel, ts) {
    const parent = this.#shelf(this.#messages, channel).get(ts) ?? gravestone(ts);
    const aside = this.#private(channel).filter((one) => one.thread_ts === ts);
    return [parent, ...[...this.replies(channel, ts), ...aside].sort(byTime)];
  }

  replies(channel, ts) {
    const shelf = this.#shelf(this.#messages, channel);
    return [...shelf.values()].filter((one) => one.thread_ts === ts && one.ts !== ts).sort(byTime);
  }

  /** The newest timestamp among everything in a channel, "0" when it is empty. */
  newest(channel) {
    const times = [...this.#shelf(this.#messages, channel).keys()];
    return times.reduce((latest, ts) => (Number(ts) > Number(latest) ? ts : latest), "0");
  }

  #private(channel) {
    return [...this.#shelf(this.#ephemerals, channel).values()].map((one) => ephemeral(one));
  }

  #shelf(shelves, channel) {
    if (!shelves.has(channel)) shelves.set(channel, new Map());
    return shelves.get(channel);
  }

  #known(view) {
    const before = this.views.find(({ id }) => id === view.id);
    return JSON.stringify(before) === JSON.stringify(view) ? before : view;
  }

  #tell(person, ts) {
    this.#told.set(person, ts);
    return true;
  }

  #show(view) {
    if (view.type === "home") return true;
    const known = this.views.findIndex((one) => one.id === view.id);
    this.views = known < 0 ? [...this.views, view] : this.views.with(known, view);
    return true;
  }
}

const marked = new WeakMap();

/** The same message, marked as one person's own; always the same value for the same message. */
function ephemeral(message) {
  if (!marked.has(message)) marked.set(message, { ...message, is_ephemeral: true });
  return marked.get(message);
}

function isTopLevel(message) {
  const { ts, thread_ts: parent, subtype } = message;
  return !parent || parent === ts || subtype === "thread_broadcast";
}

const gravestones = new Map();

function gravestone(ts) {
  const made = { ts, thread_ts: ts, subtype: "tombstone", text: "" };
  if (!gravestones.has(ts)) gravestones.set(ts, made);
  return gravestones.get(ts);
}

function byTime(one, other) {
  return Number(one.ts) - Number(other.ts);
}

function put(shelf, message) {
  if (!message) return false;
  const before = shelf.get(message.ts);
  if (JSON.stringify(before) !== JSON.stringify(message)) shelf.set(message.ts, message);
  return true;
}

function shelves(lists, before) {
  const channels = Object.entries(lists ?? {});
  return new Map(channels.map(([id, list]) => [id, shelfOf(list, before.get(id))]));
}

function shelfOf(list, before = new Map()) {
  const shelf = new Map();
  for (const message of list) {
    if (before.has(message.ts)) shelf.set(message.ts, before.get(message.ts));
    put(shelf, message);
  }
  return shelf;
}
