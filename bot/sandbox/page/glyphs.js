/** The signs a run is told with, drawn here so that they look alike with any font. */

import { s } from "./dom.js";

const disc = (colour) => ["circle", { cx: 12, cy: 12, r: 9.5, class: `fill-${colour}` }];
const tile = (colour) => ["rect", { x: 2.5, y: 2.5, width: 19, height: 19, rx: 4.5, class: `fill-${colour}` }];
const fill = (d, colour) => ["path", { d, class: `fill-${colour}` }];
const line = (d, colour, width = 2.4) => ["path", { d, class: `line-${colour}`, "stroke-width": width }];

const SHEET = fill("M5.5 2.5h9l4.5 4.5v14.5h-13.5z", "paper");
const SHEET_EDGE = line("M5.5 2.5h9l4.5 4.5v14.5h-13.5z M14.5 2.5v4.5h4.5", "grey", 1.3);
const LOCK_BODY = [
  ["rect", { x: 4.5, y: 10.5, width: 15, height: 11, rx: 2.5, class: "fill-gold" }],
  line("M12 14.5v3", "brown", 2.4),
];
const HOURGLASS = [
  fill("M7 4h10c0 4.5-2 6-4.2 8c2.2 2 4.2 3.5 4.2 8h-10c0-4.5 2-6 4.2-8c-2.2-2-4.2-3.5-4.2-8z", "glass"),
  line("M5.5 3h13 M5.5 21h13", "brown", 2.4),
];
const ARROWS = line("M4 10.5a8.3 8.3 0 0 1 14.5-3.5 M20 13.5a8.3 8.3 0 0 1-14.5 3.5", "white", 2.2);

const GLYPHS = {
  white_check_mark: [tile("green"), line("M7 12.5l3.5 3.5l6.5-7.5", "white", 2.8)],
  ballot_box_with_check: [tile("blue"), line("M7 12.5l3.5 3.5l6.5-7.5", "white", 2.8)],
  heavy_check_mark: [line("M4.5 12.5l5 5l10-11.5", "green", 3.4)],
  x: [line("M5 5l14 14 M19 5l-14 14", "red", 3.8)],
  no_entry: [disc("red"), line("M7 12h10", "white", 3.2)],
  no_entry_sign: [["circle", { cx: 12, cy: 12, r: 8.5, class: "line-red", "stroke-width": 2.8 }], line("M6 6l12 12", "red", 2.8)],
  hand: [line("M8.3 14v-7.5 M11.7 13v-9.5 M15.1 13v-8.6 M18.4 14v-6 M8.3 17.5l-4-4", "gold", 2.9), fill("M6.9 12.5h13v3.2c0 3.6-2.6 6-6.2 6c-2.6 0-4.3-1-5.4-2.8l-1.9-3z", "gold")],
  octagonal_sign: [fill("M7.7 2h8.6l5.7 5.7v8.6l-5.7 5.7h-8.6l-5.7-5.7v-8.6z", "red"), line("M8 12h8", "white", 2.8)],
  warning: [fill("M12 2.5c.7 0 1.2.4 1.5.9l8.7 15.6c.6 1.2-.1 2.5-1.5 2.5h-17.4c-1.4 0-2.1-1.3-1.5-2.5l8.7-15.6c.3-.5.8-.9 1.5-.9z", "gold"), line("M12 9v5 M12 17.7v.1", "dark", 2.3)],
  rotating_light: [fill("M6 17v-5a6 6 0 0 1 12 0v5z", "red"), line("M4.5 19.5h15", "dark", 3), line("M12 1.5v1.5 M3 5l1.2 1 M21 5l-1.2 1", "gold", 1.8)],
  lock: [line("M8 10.5v-3.5a4 4 0 0 1 8 0v3.5", "grey", 2.4), ...LOCK_BODY],
  unlock: [line("M8 10.5v-4a4 4 0 0 1 7.6-1.6", "grey", 2.4), ...LOCK_BODY],
  key: [["circle", { cx: 7.5, cy: 14.5, r: 4.2, class: "line-gold", "stroke-width": 2.8 }], line("M10.5 11.5l9-9 M16 6l3 3 M19 3l2.5 2.5", "gold", 2.6)],
  gear: [["circle", { cx: 12, cy: 12, r: 9, class: "line-grey", "stroke-width": 3.6, "stroke-dasharray": "4.2 2.87" }], ["circle", { cx: 12, cy: 12, r: 5.6, class: "line-grey", "stroke-width": 3.8 }]],
  hourglass_flowing_sand: [...HOURGLASS, fill("M9 7h6c-.4 1.8-1.6 2.8-3 4.2c-1.4-1.4-2.6-2.4-3-4.2z M8.5 19.5c.5-2.2 2-3 3.5-4c1.5 1 3 1.8 3.5 4z", "gold"), line("M12 11v5", "gold", 1.1)],
  hourglass: [...HOURGLASS, fill("M8.2 19.5c.3-3 2.2-4.3 3.8-5.5c1.6 1.2 3.5 2.5 3.8 5.5z", "gold")],
  arrows_counterclockwise: [tile("blue"), ["g", { transform: "translate(2.9 2.9) scale(.76)" }, [ARROWS, fill("M19.5 2.5v6h-6z M4.5 21.5v-6h6z", "white")]]],
  repeat: [tile("blue"), line("M6.5 11v-1.5a1.5 1.5 0 0 1 1.5-1.5h8.5 M17.5 13v1.5a1.5 1.5 0 0 1-1.5 1.5h-8.5", "white", 2), fill("M15 5l3.5 3l-3.5 3z M9 19l-3.5-3l3.5-3z", "white")],
  arrow_forward: [tile("blue"), fill("M9 7l8 5l-8 5z", "white")],
  black_square_for_stop: [tile("slate"), ["rect", { x: 8, y: 8, width: 8, height: 8, rx: 1.2, class: "fill-white" }]],
  double_vertical_bar: [tile("slate"), line("M9.5 8v8 M14.5 8v8", "white", 2.8)],
  information_source: [tile("blue"), line("M12 11v6 M12 7.2v.1", "white", 2.6)],
  stopwatch: [line("M9.5 2.5h5 M12 2.5v3 M18 5.5l1.5 1.5", "grey", 2.2), ["circle", { cx: 12, cy: 13.5, r: 7.5, class: "line-grey fill-paper", "stroke-width": 2.2 }], line("M12 13.5v-4.2", "red", 2)],
  alarm_clock: [line("M4 6l3-2.5 M20 6l-3-2.5", "red", 2.6), ["circle", { cx: 12, cy: 13, r: 7.7, class: "line-red fill-paper", "stroke-width": 2.2 }], line("M12 9v4l3 2", "dark", 1.8)],
  clock1: [["circle", { cx: 12, cy: 12, r: 9, class: "line-grey fill-paper", "stroke-width": 2 }], line("M12 6.5v5.5l3-4", "dark", 1.9)],
  mag: [line("M15 15l6 6", "brown", 3.4), ["circle", { cx: 10, cy: 10, r: 6.7, class: "line-grey fill-glass", "stroke-width": 2.4 }]],
  link: [line("M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1.5 1.5", "grey", 2.4), line("M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1.5-1.5", "grey", 2.4)],
  package: [fill("M12 2.5l9 4.5v10l-9 4.5l-9-4.5v-10z", "wood"), line("M3 7l9 4.5l9-4.5 M12 11.5v10 M7.5 4.8l9 4.5v3.5", "brown", 1.4)],
  memo: [SHEET, SHEET_EDGE, line("M8 9h5 M8 12.5h4 M8 16h3", "grey", 1.3), line("M12.5 17.5l7-7", "gold", 2.8), line("M11.7 18.4l.4-.5", "dark", 1.8)],
  page_facing_up: [SHEET, SHEET_EDGE, line("M8.5 11h7 M8.5 14h7 M8.5 17h5", "grey", 1.3)],
  scroll: [SHEET, SHEET_EDGE, line("M8.5 9h4 M8.5 12h7 M8.5 15h7 M8.5 18h5", "brown", 1.3)],
  file_folder: [fill("M2.5 5.5c0-.8.7-1.5 1.5-1.5h5l2 2.5h9c.8 0 1.5.7 1.5 1.5v10.5c0 .8-.7 1.5-1.5 1.5h-16c-.8 0-1.5-.7-1.5-1.5z", "gold")],
  eyes: [["ellipse", { cx: 7.2, cy: 12, rx: 4.4, ry: 6.5, class: "line-grey fill-white", "stroke-width": 1.2 }], ["ellipse", { cx: 16.8, cy: 12, rx: 4.4, ry: 6.5, class: "line-grey fill-white", "stroke-width": 1.2 }], ["circle", { cx: 6, cy: 13, r: 2.3, class: "fill-dark" }], ["circle", { cx: 15.6, cy: 13, r: 2.3, class: "fill-dark" }]],
  rocket: [fill("M21.5 2.5c-6-.3-10.5 3-13 8.5l4.5 4.5c5.5-2.5 8.8-7 8.5-13z", "glass"), line("M21.5 2.5c-6-.3-10.5 3-13 8.5l4.5 4.5c5.5-2.5 8.8-7 8.5-13z", "grey", 1.4), fill("M9 10l-5 1.5l3.5-5l4 .2z M14 15l-1.5 5l5-3.5l-.2-4z", "red"), fill("M8 13.5l2.5 2.5c-1.5 3-4 4.5-7.5 4.5c0-3.5 2-6 5-7z", "gold"), ["circle", { cx: 15.7, cy: 8.3, r: 1.9, class: "fill-blue" }]],
  bulb: [fill("M12 2.5a6.7 6.7 0 0 0-3.7 12.3c.5.4.7 1 .7 1.7h6c0-.7.2-1.3.7-1.7a6.7 6.7 0 0 0-3.7-12.3z", "gold"), line("M9.7 18.7h4.6 M10.7 21.2h2.6", "grey", 1.9)],
  bell: [fill("M12 3a6 6 0 0 0-6 6v4.5l-2 3.5h16l-2-3.5v-4.5a6 6 0 0 0-6-6z", "gold"), line("M10.5 20h3", "brown", 2.6)],
  snowflake: [line("M12 2.5v19 M3.8 7.2l16.4 9.6 M20.2 7.2l-16.4 9.6 M9.5 4l2.5 2.2l2.5-2.2 M9.5 20l2.5-2.2l2.5 2.2", "blue", 1.8)],
  ice_cube: [["rect", { x: 4, y: 4, width: 16, height: 16, rx: 3, class: "line-blue fill-glass", "stroke-width": 1.6 }], line("M8 11v-3h3", "white", 2)],
  shield: [fill("M12 2.5l8 2.5v6.5c0 5-3.5 8.5-8 10c-4.5-1.5-8-5-8-10v-6.5z", "blue")],
  bust_in_silhouette: [["circle", { cx: 12, cy: 8, r: 4.5, class: "fill-slate" }], fill("M3.5 21c0-4.5 3.8-7 8.5-7s8.5 2.5 8.5 7z", "slate")],
  robot_face: [line("M12 2.5v4", "grey", 2), ["rect", { x: 3.5, y: 6.5, width: 17, height: 14, rx: 3.5, class: "fill-grey" }], line("M8.5 11.5v1.5 M15.5 11.5v1.5", "white", 2.6), line("M8.5 17h7", "white", 1.8)],
  speech_balloon: [fill("M4 3.5h16c1 0 1.7.7 1.7 1.7v9.6c0 1-.7 1.7-1.7 1.7h-9l-5 4.5v-4.5h-2c-1 0-1.7-.7-1.7-1.7v-9.6c0-1 .7-1.7 1.7-1.7z", "glass"), line("M7 8h10 M7 12h6", "grey", 1.6)],
  question: [line("M8 8.5a4 4 0 1 1 5.5 3.7c-1 .5-1.5 1.2-1.5 2.8 M12 19.5v.1", "red", 3)],
  exclamation: [line("M12 4v10 M12 19.5v.1", "red", 3.4)],
  red_circle: [disc("red")],
  large_green_circle: [disc("green")],
  large_yellow_circle: [disc("gold")],
  large_blue_circle: [disc("blue")],
  white_circle: [["circle", { cx: 12, cy: 12, r: 8.8, class: "line-grey", "stroke-width": 1.6 }]],
};

/** Draw the emoji called *name*, or answer null when it is not among the drawn ones. */
export function glyph(name) {
  const shapes = Object.hasOwn(GLYPHS, name) ? GLYPHS[name] : null;
  return shapes && s("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, shapes.map(shape));
}

function shape([tag, properties, inner = []]) {
  return s(tag, properties, inner.map(shape));
}
