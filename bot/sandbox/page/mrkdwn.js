/** Slack's mrkdwn, as stored (entities, `<…>` specials), turned into elements. */

import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { dateText, exactTime } from "./time.js";

const FENCE = /```\n?([\s\S]*?)\n?```/g;
const QUOTE = /^(?:&gt;|>) ?/;
const SAFE_LINK = /^(?:https?:\/\/|mailto:|tel:)/i;
const STARTS = /[`<:*_~]|https?:\/\//g;
const INLINE = [
  [/`([^`\n]+)`/y, (text, names) => h("code", {}, specialsOnly(text, names))],
  [/<([^<>\n]+)>/y, (text, names) => special(text, names)],
  [/:([a-z0-9_+-]+(?:::skin-tone-\d)?):/y, (name) => emoji(name)],
  [/(https?:\/\/[^\s<>|]*[^\s<>|.,;:!?)'"])/y, (address) => link(address, plain(address))],
  [/\*(?! )([^*\n]*[^*\s])\*(?![\p{L}\p{N}])/uy, (text, names) => h("strong", {}, inline(text, names))],
  [/_(?! )([^_\n]*[^_\s])_(?![\p{L}\p{N}])/uy, (text, names) => h("em", {}, inline(text, names))],
  [/~(?! )([^~\n]*[^~\s])~(?![\p{L}\p{N}])/uy, (text, names) => h("s", {}, inline(text, names))],
];

/** Render a whole text; *names* looks up users, channels and groups by id. */
export function mrkdwn(text, names) {
  const parts = [];
  let from = 0;
  for (const fence of text.matchAll(FENCE)) {
    parts.push(...paragraphs(text.slice(from, fence.index), names));
    parts.push(h("pre", { tabindex: 0 }, specialsOnly(fence[1], names)));
    from = fence.index + fence[0].length;
  }
  return [...parts, ...paragraphs(text.slice(from), names)];
}

/** Render a plain_text object: emoji, but no marks. */
export function plainText({ text, emoji: wanted = true }) {
  if (!wanted) return [plain(text)];
  return text.split(/(:[a-z0-9_+-]+:)/).map((part) => {
    const name = /^:(.+):$/.exec(part)?.[1];
    return (name && emoji(name)) ?? plain(part);
  });
}

/** Render a text object of either type. */
export function textObject(object, names) {
  return object.type === "plain_text" ? plainText(object) : mrkdwn(object.text, names);
}

/** Undo the three entities Slack stores. */
export function plain(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** A link, or its bare text when the address is of no safe kind. */
export function link(address, label) {
  const target = plain(address);
  if (!SAFE_LINK.test(target)) return document.createTextNode(label);
  return h("a", { href: target, target: "_blank", rel: "noopener noreferrer" }, label);
}

/** A mention of a person. */
export function userMention(id, names, fallback = id) {
  const user = names.user(id);
  const mine = names.isMe(id) ? " mine" : "";
  return h("span", { class: `mention${mine}`, title: user?.real_name ?? id }, `@${user?.name ?? fallback}`);
}

/** A mention of a channel, which leads there when it is known. */
export function channelMention(id, names, fallback = "") {
  const channel = names.channel(id);
  const label = `#${channel?.name ?? (fallback || id)}`;
  if (!channel) return h("span", { class: "mention" }, label);
  return h("a", { class: "mention", href: `/archives/${id}` }, label);
}

/** A mention of a group of people. */
export function groupMention(id, names, fallback = id) {
  return h("span", { class: "mention" }, `@${names.group(id)?.handle ?? fallback.replace(/^@/, "")}`);
}

function paragraphs(text, names) {
  const trimmed = text.replace(/^\n+|\n+$/g, "");
  if (!trimmed.trim()) return [];
  return runsOf(trimmed.split("\n")).map(({ quoted, lines }) => {
    const nodes = inline(lines.join("\n"), names);
    return quoted ? h("blockquote", {}, nodes) : h("p", {}, nodes);
  });
}

function runsOf(lines) {
  const runs = [];
  for (const line of lines) {
    const quoted = QUOTE.test(line);
    const last = runs.at(-1);
    const text = quoted ? line.replace(QUOTE, "") : line;
    if (last?.quoted === quoted) last.lines.push(text);
    else runs.push({ quoted, lines: [text] });
  }
  return runs;
}

function inline(text, names) {
  const nodes = [];
  let told = 0;
  let at = nextStart(text, 0);
  while (at >= 0) {
    const found = matchAt(text, at, names);
    if (found) {
      nodes.push(plain(text.slice(told, at)), found.node);
      told = at + found.length;
    }
    at = nextStart(text, found ? told : at + 1);
  }
  return [...nodes, plain(text.slice(told))];
}

function nextStart(text, from) {
  STARTS.lastIndex = from;
  return STARTS.exec(text)?.index ?? -1;
}

function matchAt(text, index, names) {
  const glued = index > 0 && /[\p{L}\p{N}]/u.test(text[index - 1]);
  if (glued && "*_~".includes(text[index])) return null;
  for (const [pattern, make] of INLINE) {
    pattern.lastIndex = index;
    const found = pattern.exec(text);
    const node = found && make(found[1], names);
    if (node) return { node, length: found[0].length };
  }
  return null;
}

/** Within code only the `<…>` specials mean anything. */
function specialsOnly(text, names) {
  return text.split(/(<[^<>\n]+>)/).map((part) => {
    const inner = /^<([^<>\n]+)>$/.exec(part)?.[1];
    return inner && /^(?:[@#!]|https?:|mailto:)/.test(inner) ? special(inner, names) : plain(part);
  });
}

function special(inner, names) {
  const [target, label] = splitOnce(inner, "|");
  if (target.startsWith("@")) return userMention(target.slice(1), names, label ?? undefined);
  if (target.startsWith("#")) return channelMention(target.slice(1), names, label ?? "");
  if (target.startsWith("!")) return command(target.slice(1), label, names);
  if (!SAFE_LINK.test(target)) return document.createTextNode(plain(`<${inner}>`));
  return link(target, plain(label || target.replace(/^mailto:/, "")));
}

function command(target, label, names) {
  const [kind, ...rest] = target.split("^");
  if (kind === "date") return date(rest, label ?? "");
  if (kind === "subteam") return groupMention(rest[0], names, label ?? rest[0]);
  return h("span", { class: "mention broadcast" }, `@${label ? label.replace(/^@/, "") : kind}`);
}

function date([ts, pattern, address], fallback) {
  if (!/^\d+$/.test(ts ?? "") || !pattern) return document.createTextNode(plain(fallback));
  const text = dateText(ts, pattern);
  return address ? link(address, text) : h("time", { title: exactTime(ts) }, text);
}

function splitOnce(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}
