/** Where one is: who, which channel, which thread; kept in the address, so a reload returns. */

const ARCHIVE = /^\/archives\/(\w+)(?:\/p(\d+)(\d{6}))?$/;

/** Read the place out of an address; a permalink to a message counts as one. */
export function placeOf(address) {
  const url = new URL(address, location.href);
  const asked = url.searchParams;
  const archive = ARCHIVE.exec(url.pathname);
  const message = archive?.[2] ? `${archive[2]}.${archive[3]}` : null;
  return {
    as: asked.get("as"),
    channel: archive?.[1] ?? asked.get("channel"),
    thread: asked.get("thread") ?? asked.get("thread_ts") ?? message,
    home: asked.get("home"),
    message,
  };
}

/** Say whether *address* is a permalink of this workspace. */
export function isPermalink(address) {
  const url = new URL(address, location.href);
  return ARCHIVE.test(url.pathname) && ["localhost", "127.0.0.1", location.hostname].includes(url.hostname);
}

/** Write the place into the address bar. */
export function rememberPlace({ as, channel, thread, home }) {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries({ as, channel, thread, home })) {
    if (value) asked.set(name, value);
  }
  history.replaceState(null, "", `/?${asked}`);
}
