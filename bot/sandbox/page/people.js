/** How people are shown: a face of initials, a name, what they may do. */

import { h } from "./dom.js";

const COLOURS = ["#2f6f8f", "#a4553b", "#5d6b2f", "#7a4a86", "#2f7d5f", "#8a6a1f", "#4a5a9a", "#9a3f62"];

/** A square with initials; an app's is round, so that it is never taken for a person. */
export function face(user) {
  const kind = user.is_bot ? "face bot" : "face";
  const element = h("span", { class: kind, "aria-hidden": "true" }, initials(user));
  element.style.setProperty("--colour", colourOf(user));
  return element;
}

/** What people call *user*. */
export function nameOf(user) {
  return user.real_name || user.name || user.id;
}

/** The role beside a name, when one is told. */
export function roleOf(user) {
  return user.role_hint ? h("span", { class: "role" }, user.role_hint) : null;
}

function initials(user) {
  const words = nameOf(user).split(/[\s._-]+/).filter(Boolean);
  return words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join("");
}

function colourOf(user) {
  if (/^#?[0-9a-f]{6}$/i.test(user.color ?? "")) return `#${user.color.replace("#", "")}`;
  const sum = [...(user.id ?? "")].reduce((total, letter) => total + letter.charCodeAt(0), 0);
  return COLOURS[sum % COLOURS.length];
}
