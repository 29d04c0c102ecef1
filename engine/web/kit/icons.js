// SPDX-License-Identifier: GPL-3.0-or-later
// The page's few drawn signs, 24 units square, in lines of the text's colour.

import { svg } from "./dom.js";

const LINES = {
  faces: ["M12 4a5 5.500 0 0 1 5 5.500c0 3.500-2.200 6.500-5 6.500s-5-3-5-6.500A5 5.500 0 0 1 12 4z", "M4.500 20.500c1-2.500 3.500-3.500 5-4M19.500 20.500c-1-2.500-3.500-3.500-5-4"],
  jobs: ["M4 6.500h16M4 12h10M4 17.500h6"],
  check: ["M12 3.500l7 2.500v5.500c0 4.500-3 7.500-7 9-4-1.500-7-4.500-7-9V6z", "M8.800 12l2.400 2.400 4-4.400"],
  plus: ["M12 5v14M5 12h14"],
  back: ["M14.500 5.500L8 12l6.500 6.500"],
  close: ["M6 6l12 12M18 6L6 18"],
  down: ["M12 4v11M7.500 11l4.500 4.500 4.500-4.500M5 20h14"],
  up: ["M12 20V7M7.500 11L12 6.500l4.500 4.500M5 3.500h14"],
  camera: ["M3.500 7.500h11v9h-11zM14.500 11l6-3v8l-6-3"],
  reset: ["M5 12a7 7 0 1 0 2.500-5.400M7.500 3v4h4"],
};

/** A sign by its name; it says nothing to screen readers. */
export function icon(name) {
  const lines = LINES[name].map((d) => svg("path", { d }));
  return svg("svg.icon", { viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" }, lines);
}
