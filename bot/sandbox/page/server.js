/** The requests this page makes, all as one person, and the stream of updates. */

/** The server answers, but not to this person. */
export class Refused extends Error {}

export class Server {
  #stream = null;
  #retry = 0;

  /** `as` is a user id, or null to let the server choose. */
  constructor(as) {
    this.as = as;
  }

  state() {
    return this.#get("/sandbox/state");
  }

  home() {
    return this.#get("/sandbox/home");
  }

  openHome() {
    return this.#post("/sandbox/home", {});
  }

  options(menu) {
    return this.#post("/sandbox/options", menu);
  }

  slash(line) {
    return this.#post("/sandbox/slash", line);
  }

  say(message) {
    return this.#post("/sandbox/message", message);
  }

  act(action) {
    return this.#post("/sandbox/action", action);
  }

  submit(viewId, values) {
    return this.#post("/sandbox/view", { view_id: viewId, state: { values } });
  }

  closeView(viewId) {
    return this.#post("/sandbox/view/close", { view_id: viewId });
  }

  /** The address of a file, on this very origin whatever name the server gave itself. */
  fileUrl(address) {
    const url = new URL(address, location.href);
    url.searchParams.set("as", this.as);
    return url.pathname + url.search;
  }

  /** Listen for updates for ever, opening the stream again whenever it breaks. */
  listen({ opened, update, lost }) {
    this.#stream = new EventSource(this.#address("/sandbox/updates"));
    this.#stream.onopen = () => {
      this.#retry = 0;
      opened();
    };
    this.#stream.onmessage = (event) => update(JSON.parse(event.data));
    this.#stream.onerror = () => {
      this.#stream.close();
      lost();
      this.#retry = setTimeout(() => this.listen({ opened, update, lost }), 1000);
    };
  }

  /** Stop listening: somebody else takes over. */
  leave() {
    clearTimeout(this.#retry);
    this.#stream?.close();
  }

  #address(path) {
    return this.as ? `${path}?as=${encodeURIComponent(this.as)}` : path;
  }

  async #get(path) {
    const answer = await fetch(this.#address(path), { cache: "no-store" });
    const body = await answer.json();
    if (body?.ok === false) throw new Refused(body.error);
    return body;
  }

  async #post(path, body) {
    try {
      const answer = await fetch(path, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ as: this.as, ...body }),
      });
      return await answer.json();
    } catch {
      return { ok: false, error: "The workspace did not answer. Your text is kept; try again." };
    }
  }
}
