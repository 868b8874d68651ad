/** Times of day as people read them; Slack's timestamps are seconds in a string. */

import { h } from "./dom.js";

const DAY = 86_400;

function format(options) {
  const formatter = new Intl.DateTimeFormat("en-GB", options);
  return (ts) => formatter.format(new Date(Number(ts) * 1000));
}

const clock = format({ hour: "2-digit", minute: "2-digit" });
const seconds = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const exact = format({ dateStyle: "full", timeStyle: "medium" });
const short = format({ day: "numeric", month: "short", year: "numeric" });
const long = format({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
const medium = format({ day: "numeric", month: "long", year: "numeric" });
const numbers = format({ year: "numeric", month: "2-digit", day: "2-digit" });
const weekday = format({ weekday: "long", day: "numeric", month: "long" });

/** The day a timestamp falls on, as a heading. */
export function dayOf(ts) {
  return pretty(ts, weekday);
}

export { clock };

/** How long ago, for the last hour; then the time of day; then the date too. */
export function ago(ts, now = Date.now() / 1000) {
  const passed = now - Number(ts);
  if (passed < 45) return "just now";
  if (passed < 3600) return `${Math.max(1, Math.round(passed / 60))} min ago`;
  if (passed < DAY) return clock(ts);
  return `${short(ts)}, ${clock(ts)}`;
}

/** A time element that `refreshTimes` keeps true. */
export function timeElement(ts) {
  const datetime = new Date(Number(ts) * 1000).toISOString();
  return h("time", { title: exact(ts), dataset: { ts }, datetime }, ago(ts));
}

/** Bring every relative time on the page up to date. */
export function refreshTimes() {
  for (const element of document.querySelectorAll("time[data-ts]")) {
    const text = ago(element.dataset.ts);
    if (element.textContent !== text) element.textContent = text;
  }
}

const TOKENS = {
  date_num: numbers,
  date: medium,
  date_short: short,
  date_long: long,
  date_pretty: (ts) => pretty(ts, medium),
  date_short_pretty: (ts) => pretty(ts, short),
  date_long_pretty: (ts) => pretty(ts, long),
  time: clock,
  time_secs: seconds,
  ago,
};

/** Fill in the tokens of a `<!date^…>`, such as `{date_short_pretty} {time_secs}`. */
export function dateText(ts, pattern) {
  return pattern.replace(/\{(\w+)\}/g, (whole, token) => TOKENS[token]?.(ts) ?? whole);
}

/** The exact time, for tooltips. */
export function exactTime(ts) {
  return exact(ts);
}

function pretty(ts, otherwise) {
  const midnight = new Date().setHours(0, 0, 0, 0) / 1000;
  const days = Math.ceil((midnight - Number(ts)) / DAY);
  if (days <= 0 && Number(ts) < midnight + DAY) return "Today";
  if (days === 1) return "Yesterday";
  return otherwise(ts);
}
