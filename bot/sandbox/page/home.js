/** An app's Home tab, in the place of a channel. */

import { renderBlocks } from "./blocks.js";
import { h } from "./dom.js";
import { nameOf } from "./people.js";

/** Make the column; `update()` asks for the view when it comes into sight. */
export function createHome(app) {
  const title = h("h1");
  const body = h("div", { class: "home content" });
  const header = h("header", { class: "column-header" }, title);
  const element = h("section", { class: "column" }, header, h("div", { class: "scroller" }, body));
  let shown = null;

  const refresh = async () => {
    const view = await app.server.home().catch(() => null);
    const nothing = h("p", { class: "unknown" }, "This app has not published a Home tab yet.");
    const blocks = view && renderBlocks(view.blocks, app.viewScene(view, [], () => null));
    body.replaceChildren(...(blocks ?? [nothing]));
  };
  const update = () => {
    const now = `${app.place.as} ${app.place.home}`;
    const bot = app.workspace.user(app.place.home);
    if (bot) title.textContent = nameOf(bot);
    if (now !== shown) refresh();
    shown = now;
  };
  return { element, update, refresh };
}
