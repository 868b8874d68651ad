/** A small menu under a button. */

import { h } from "./dom.js";

/** Open a menu of `{label, choose}` under *button*; Escape or leaving closes it. */
export function openMenu(button, choices) {
  const menu = h("div", { class: "menu", role: "menu" });
  let open = true;
  // Removing the focused item is itself a leaving of the menu.
  const close = () => {
    if (!open) return;
    open = false;
    menu.remove();
    button.setAttribute("aria-expanded", "false");
  };
  menu.append(...choices.map((choice) => item(choice, close, button)));
  menu.addEventListener("keydown", (event) => move(event, menu, close, button));
  menu.addEventListener("focusout", ({ relatedTarget }) => menu.contains(relatedTarget) || close());
  button.setAttribute("aria-expanded", "true");
  // Within a dialog the menu has to live there too: the rest of the page is inert.
  (button.closest("dialog") ?? document.body).append(menu);
  place(menu, button);
  menu.firstElementChild.focus();
}

function item({ label, choose }, close, button) {
  const pick = () => {
    close();
    button.focus();
    choose();
  };
  return h("button", { type: "button", role: "menuitem", tabindex: -1, onclick: pick }, label);
}

function move(event, menu, close, button) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  event.stopPropagation();
  if (event.key === "Escape") {
    close();
    button.focus();
  }
  if (!step) return;
  event.preventDefault();
  const items = [...menu.children];
  items.at((items.indexOf(document.activeElement) + step) % items.length).focus();
}

function place(menu, button) {
  const box = button.getBoundingClientRect();
  const left = Math.min(box.left, innerWidth - menu.offsetWidth - 8);
  const below = box.bottom + menu.offsetHeight + 8 < innerHeight;
  menu.style.left = `${left}px`;
  menu.style.top = `${below ? box.bottom + 4 : box.top - menu.offsetHeight - 4}px`;
}
