/** An app's Home tab, in the place of a channel. */

import { renderBlocks } from "./blocks.js";
import { h } from "./dom.js";
import { nameOf } from "./people.js";

/** Make the column; `update()` tells the app when it comes into sight, until `leave()`. */
export function createHome(app) {
  const title = h("h1");
  const body = h("div", { class: "home content" });
  const header = h("header", { class: "column-header" }, title);
  const element = h("section", { class: "column" }, header, h("div", { class: "scroller" }, body));
  let shown = null;
  let asked = 0;

  const refresh = async () => {
    const mine = (asked += 1);
    const view = await app.server.home().catch(() => null);
    if (mine !== asked) return;
    const nothing = h("p", { class: "unknown" }, "This app has not published a Home tab yet.");
    const blocks = view && renderBlocks(view.blocks, app.viewScene(view, [], () => null));
    body.replaceChildren(...(blocks ?? [nothing]));
  };
  const update = () => {
    const now = `${app.place.as} ${app.place.home}`;
    const bot = app.workspace.user(app.place.home);
    if (bot) title.textContent = nameOf(bot);
    if (now !== shown) open();
    shown = now;
  };
  // What is there already is shown at once; a newer one comes by itself.
  const open = () => {
    refresh();
    app.server.openHome();
  };
  const leave = () => {
    shown = null;
  };
  return { element, update, refresh, leave };
}
