/** rich_text blocks; their texts are literal, nothing in them is unescaped. */

import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { channelMention, groupMention, link, userMention } from "./mrkdwn.js";
import { dateText, exactTime } from "./time.js";

const STYLES = [["code", "code"], ["bold", "strong"], ["italic", "em"], ["strike", "s"]];

/** Render a rich_text block. */
export function richText(block, names) {
  return h("div", { class: "rich-text" }, block.elements.map((element) => part(element, names)));
}

function part(element, names) {
  const inner = () => (element.elements ?? []).map((one) => leaf(one, names));
  switch (element.type) {
    case "rich_text_section":
      return h("p", {}, inner());
    case "rich_text_preformatted":
      return h("pre", { tabindex: 0 }, inner());
    case "rich_text_quote":
      return h("blockquote", {}, inner());
    case "rich_text_list":
      return list(element, names);
    default:
      return null;
  }
}

function list({ style, indent = 0, offset = 0, elements }, names) {
  const items = elements.map((item) => h("li", {}, part(item, names)));
  if (style !== "ordered") return h("ul", { class: `indent-${Math.min(indent, 5)}` }, items);
  return h("ol", { class: `indent-${Math.min(indent, 5)}`, start: offset + 1 }, items);
}

function leaf(element, names) {
  return STYLES.reduce(
    (node, [style, tag]) => (element.style?.[style] ? h(tag, {}, node) : node),
    bare(element, names),
  );
}

function bare(element, names) {
  switch (element.type) {
    case "link":
      return link(element.url, element.text || element.url);
    case "user":
      return userMention(element.user_id, names);
    case "channel":
      return channelMention(element.channel_id, names);
    case "usergroup":
      return groupMention(element.usergroup_id, names);
    case "broadcast":
      return h("span", { class: "mention broadcast" }, `@${element.range}`);
    case "emoji":
      return emoji(element.name) ?? document.createTextNode(`:${element.name}:`);
    case "date":
      return h("time", { title: exactTime(element.timestamp) }, dateText(element.timestamp, element.format));
    default:
      return document.createTextNode(element.text ?? "");
  }
}
