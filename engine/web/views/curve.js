// SPDX-License-Identifier: GPL-3.0-or-later
// A training's loss over its steps, drawn.

import { fill, h, svg } from "../kit/dom.js";

const WIDE = 300;
const HIGH = 96;

export class Curve {
  constructor() {
    this.element = h("figure.curve", { hidden: true });
  }

  /** Show {steps, losses, watched} of the engine; nothing until there are two points. */
  show({ steps, losses, watched }) {
    const points = steps.map((step, i) => [step, (losses[watched] || [])[i]]).filter(([, loss]) => loss > 0);
    this.element.hidden = points.length < 2;
    if (this.element.hidden) return;
    const last = points[points.length - 1];
    const words = `Loss after ${last[0].toLocaleString()} steps: ${last[1].toPrecision(3)}`;
    fill(this.element, drawing(points, words), h("figcaption", {}, words));
  }
}

function drawing(points, words) {
  const logs = points.map(([, loss]) => Math.log(loss));
  const low = Math.min(...logs);
  const span = Math.max(...logs) - low || 1;
  const [first, end] = [points[0][0], points[points.length - 1][0]];
  const x = (step) => ((step - first) / (end - first || 1)) * (WIDE - 8) + 4;
  const y = (log) => HIGH - 6 - ((log - low) / span) * (HIGH - 12);
  const line = points.map(([step], i) => `${x(step).toFixed(1)},${y(logs[i]).toFixed(1)}`).join(" ");
  return svg(
    "svg",
    { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": words, preserveAspectRatio: "none" },
    [0.25, 0.5, 0.75].map((share) => svg("line", { x1: 0, x2: WIDE, y1: HIGH * share, y2: HIGH * share })),
    svg("polyline", { points: line }),
  );
}
