/** Interactive elements: buttons, selects, overflow menus, and the fields they share with modals. */

import { confirmed } from "./dialogs.js";
import { h } from "./dom.js";
import { control } from "./controls.js";
import { wordsFor } from "./errors.js";
import { suggestion } from "./inputs.js";
import { openMenu } from "./menu.js";
import { plain, plainText } from "./mrkdwn.js";

/** Render one element of *block*; using it tells scene.act(). */
export function interactive(element, block, scene) {
  const send = (answer, pressed) => act(element, block, scene, answer, pressed);
  switch (element.type) {
    case "button":
    case "workflow_button":
      return button(element, send, scene);
    case "overflow":
      return overflow(element, send);
    default:
      return field(element, block, scene, send);
  }
}

function button(element, send, scene) {
  const properties = {
    class: `button ${element.style ?? ""}`,
    "aria-label": element.accessibility_label,
    dataset: { focus: focusKey(element), action: element.action_id },
  };
  if (element.url) {
    const onclick = () => send({ value: element.value });
    return h("a", { ...properties, ...whereTo(element.url, scene), onclick }, plainText(element.text));
  }
  const press = (event) => send({ value: element.value }, event.currentTarget);
  return h("button", { ...properties, type: "button", onclick: press }, plainText(element.text));
}

function overflow(element, send) {
  const choices = element.options.map((option) => ({
    label: plain(option.text.text),
    choose: () => send({ selected: option.value }),
  }));
  return h(
    "button",
    {
      type: "button",
      class: "button icon",
      "aria-haspopup": "menu",
      "aria-label": "More actions",
      dataset: { focus: focusKey(element), action: element.action_id },
      onclick: (event) => openMenu(event.currentTarget, choices),
    },
    "⋯",
  );
}

function field(element, block, scene, send) {
  const suggest = suggestion(block, element, scene);
  const made = control(element, scene.names, { label: element.placeholder?.text ?? "Choose", suggest });
  if (!made) return h("span", { class: "unknown" }, `(${element.type})`);
  const root = h("span", { class: "inline-field" }, made.element);
  made.focusable.dataset.focus = focusKey(element);
  scene.fields?.push({ block, element, read: made.read, root });
  root.addEventListener("change", () => send({ selected: made.selected() }));
  return root;
}

async function act(element, block, scene, answer, pressed) {
  if (element.confirm && !(await confirmed(element.confirm, scene.names))) return;
  pressed?.setAttribute("aria-busy", "true");
  const done = await scene.act({ block_id: block.block_id, action_id: element.action_id, ...answer });
  pressed?.removeAttribute("aria-busy");
  tell(pressed?.closest(".block"), done.ok ? "" : wordsFor(done.error));
}

/** Say below *place* why nothing happened, until the next try. */
function tell(place, words) {
  if (!place) return;
  if (place.nextElementSibling?.matches(".act-error")) place.nextElementSibling.remove();
  if (words) place.after(h("p", { class: "act-error", role: "alert" }, words));
}

function focusKey(element) {
  return `${element.type}:${element.action_id}`;
}

function whereTo(address, scene) {
  if (scene.names.isPermalink(address)) return { href: address };
  const href = /^https?:\/\//i.test(address) ? address : null;
  return { href, target: "_blank", rel: "noopener noreferrer" };
}
