/** Block Kit. A *scene* is what blocks need from outside: names, act(), and a modal's fields. */

import { h } from "./dom.js";
import { interactive } from "./elements.js";
import { inputBlock } from "./inputs.js";
import { plainText, textObject } from "./mrkdwn.js";
import { richText } from "./richtext.js";

const RENDERERS = {
  header: (block) => h("h3", { class: "block-header" }, plainText(block.text)),
  section,
  context,
  actions,
  divider: () => h("hr"),
  rich_text: (block, scene) => richText(block, scene.names),
  image: (block) => picture(block),
  input: inputBlock,
  markdown: (block) => h("pre", { class: "as-written" }, block.text),
};

/** Render a list of blocks; a kind that is not known here says so. */
export function renderBlocks(blocks, scene) {
  return blocks.map((block) => {
    const render = RENDERERS[block.type] ?? unknown;
    const element = render(block, scene);
    element.classList.add("block");
    if (block.block_id) element.dataset.block = block.block_id;
    return element;
  });
}

function section(block, scene) {
  const text = block.text && h("div", { class: "section-text" }, textObject(block.text, scene.names));
  const fields = block.fields?.map((field) => h("div", { class: "field" }, textObject(field, scene.names)));
  return h(
    "div",
    { class: "section" },
    h("div", { class: "section-main" }, text, fields && h("div", { class: "fields" }, fields)),
    block.accessory && h("div", { class: "accessory" }, element(block.accessory, block, scene)),
  );
}

function context(block, scene) {
  const items = block.elements.map((one) =>
    one.type === "image" ? picture(one) : h("span", {}, textObject(one, scene.names)),
  );
  return h("div", { class: "context" }, items);
}

function actions(block, scene) {
  const items = block.elements.map((one) => element(one, block, scene));
  return h("div", { class: "actions", role: "group", "aria-label": "Actions" }, items);
}

function element(one, block, scene) {
  return one.type === "image" ? picture(one) : interactive(one, block, scene);
}

// Nothing is loaded from elsewhere, so a picture is told by its words.
function picture({ alt_text: words, title }) {
  return h("span", { class: "picture", role: "img", "aria-label": words }, title?.text ?? words ?? "image");
}

function unknown(block) {
  return h("p", { class: "unknown" }, `(a block of type ${block.type}, which this page does not show)`);
}
