/** Files: a card to view or download each. */

import { showDialog } from "./dialogs.js";
import { h } from "./dom.js";

const LARGEST_SHOWN = 1_000_000;
const TEXTUAL = /^(?:text\/|application\/(?:json|yaml|x-yaml|xml|x-sh|toml))/;

/** Render the files of a message; `addressOf(url)` gives a file's address on this server. */
export function fileCards(files, addressOf) {
  return h("div", { class: "files" }, files.map((file) => (
    file.mode === "tombstone" ? gone() : card(file, addressOf(file.url_private_download))
  )));
}

/** What Slack leaves of a file that was deleted. */
function gone() {
  return h("div", { class: "file deleted", role: "group", "aria-label": "Deleted file" }, "This file was deleted.");
}

function card(file, address) {
  const name = file.title || file.name;
  return h(
    "div",
    { class: "file", role: "group", "aria-label": `File ${name}` },
    h("span", { class: "file-kind", "aria-hidden": "true" }, kindOf(file.name)),
    h("span", { class: "file-name" }, h("b", {}, name), h("small", {}, size(file.size))),
    TEXTUAL.test(file.mimetype) && h("button", {
      type: "button",
      class: "button",
      dataset: { focus: `view-${file.id}` },
      onclick: () => view(name, address),
    }, "View"),
    download(file.name, address),
  );
}

function download(name, address) {
  return h("a", { class: "button", href: address, download: name, dataset: { focus: "download" } }, "Download");
}

async function view(name, address) {
  const text = h("pre", { tabindex: 0 }, "Loading…");
  const close = h("button", { class: "button icon", "aria-label": "Close", value: "close" }, "×");
  const dialog = h(
    "dialog",
    { class: "viewer", "aria-label": name },
    h("form", { method: "dialog" },
      h("header", {}, h("h2", {}, name), download(name, address), close),
      text),
  );
  showDialog(dialog);
  text.focus();
  text.textContent = await contents(address);
}

async function contents(address) {
  try {
    const answer = await fetch(address);
    if (!answer.ok) return `The file cannot be read (${answer.status}).`;
    const whole = await answer.text();
    if (whole.length <= LARGEST_SHOWN) return whole;
    return `${whole.slice(0, LARGEST_SHOWN)}\n\n… cut here; the download has it all.`;
  } catch {
    return "The file cannot be read: the workspace did not answer.";
  }
}

function kindOf(name = "") {
  const ending = /\.(\w{1,4})$/.exec(name)?.[1];
  return (ending ?? "file").toLowerCase();
}

/** A size in bytes as people read it. */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
