/**
 * What has been read. What was in the channels when the page opened counts as read;
 * a direct message is unread until it was looked at, in this tab.
 */

const KEPT = "sandbox-read";

export class Unread {
  #since = null;
  #read = new Map(JSON.parse(sessionStorage.getItem(KEPT) ?? "[]"));

  /** Note what was there first; only the first time counts, whoever looks later. */
  arrive(newest) {
    this.#since ??= newest;
  }

  /** Mark everything up to *ts* in a channel or thread as read. */
  mark(person, place, ts) {
    if (Number(ts) <= this.#readUpTo(person, place)) return;
    this.#read.set(keyOf(person, place), ts);
    sessionStorage.setItem(KEPT, JSON.stringify([...this.#read]));
  }

  has(person, place, newest) {
    const since = place === DIRECT ? 0 : this.#since;
    return Number(newest) > Math.max(since, this.#readUpTo(person, place));
  }

  #readUpTo(person, place) {
    return Number(this.#read.get(keyOf(person, place)) ?? 0);
  }
}

/** A person's direct messages, whatever their channel is called. */
export const DIRECT = "direct";

/** The name of a channel among what is read. */
export function placeOfChannel({ id, is_im: direct }) {
  return direct ? DIRECT : id;
}

function keyOf(person, place) {
  return `${person} ${place}`;
}
