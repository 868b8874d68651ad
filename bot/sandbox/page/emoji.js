/** Emoji by their Slack names. */

import { h } from "./dom.js";
import { glyph } from "./glyphs.js";

const ALIASES = {
  stop_sign: "octagonal_sign",
  clock: "clock1",
  page_with_curl: "page_facing_up",
  thinking: "thinking_face",
  thumbsup: "+1",
  thumbsdown: "-1",
  raised_hand: "hand",
  arrows_clockwise: "arrows_counterclockwise",
  stop_button: "black_square_for_stop",
  pause_button: "double_vertical_bar",
};

const CHARACTERS = {
  wave: "👋", tada: "🎉", "+1": "👍", "-1": "👎", pray: "🙏", fire: "🔥",
  heart: "❤️", smile: "😄", slightly_smiling_face: "🙂", thinking_face: "🤔",
  sweat_smile: "😅", broom: "🧹", construction: "🚧", hammer_and_wrench: "🛠️", wrench: "🔧",
  point_right: "👉", arrow_right: "➡️", arrow_down: "⬇️", arrow_up: "⬆️", sparkles: "✨",
  zap: "⚡", whale: "🐳", bug: "🐛", seedling: "🌱",
  heavy_plus_sign: "➕", heavy_minus_sign: "➖", star: "⭐", bar_chart: "📊", bookmark: "🔖",
};

/** The element for `:name:`, or null when there is no such emoji. */
export function emoji(name) {
  const plain = name.split("::")[0];
  const known = ALIASES[plain] ?? plain;
  const drawn = glyph(known) ?? (Object.hasOwn(CHARACTERS, known) ? CHARACTERS[known] : null);
  if (!drawn) return null;
  const label = plain.replaceAll("_", " ");
  return h("span", { class: "emoji", role: "img", "aria-label": label, title: `:${plain}:` }, drawn);
}
