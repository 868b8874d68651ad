/** What has been read, for this visit: everything there at the start counts as read. */

export class Unread {
  #since = new Map();
  #read = new Map();

  /** Note that *person* starts to look now; only the first time counts. */
  arrive(person, newest) {
    if (!this.#since.has(person)) this.#since.set(person, newest);
  }

  /** Mark everything up to *ts* in a channel or thread as read. */
  mark(person, place, ts) {
    const key = `${person} ${place}`;
    if (Number(ts) > Number(this.#read.get(key) ?? 0)) this.#read.set(key, ts);
  }

  has(person, place, newest) {
    const since = Number(this.#since.get(person) ?? 0);
    const read = Number(this.#read.get(`${person} ${place}`) ?? 0);
    return Number(newest) > Math.max(since, read);
  }
}
