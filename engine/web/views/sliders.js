// SPDX-License-Identifier: GPL-3.0-or-later
// Sliders for an avatar's expression, head and eyes.

import { FACES, NAMES, places } from "../expressions.js";
import { fill, freshId, h, say } from "../kit/dom.js";
import { icon } from "../kit/icons.js";

const DEGREES = Math.PI / 180;
const HEAD = [
  ["Turn", 1, 40],
  ["Nod", 0, 30],
  ["Tilt", 2, 30],
];
const GAZE = [
  ["Look aside", 1, 30],
  ["Look down", 0, 25],
];
/** How far above what training saw an expression may be before that is said. */
const BEYOND = 0.1;

/** Sliders that move what is on a stage; `said` is the avatar's metadata. */
export function slidersPanel(stage, said) {
  const rest = said.rest.expression;
  const high = said.ranges.expression ? said.ranges.expression.high : null;
  const warning = h("p.note.beyond", { role: "status" });
  let rows = [];
  const groups = h("div");
  const apartId = freshId("apart");
  const apart = h("input", { type: "checkbox", id: apartId, onchange: () => arrange() });
  const valueOf = (name) => stage.pose.expression[name] ?? rest[NAMES.indexOf(name)];
  const warn = () => {
    const far = high ? Object.entries(stage.pose.expression).filter(([name, value]) => value > high[NAMES.indexOf(name)] + BEYOND) : [];
    say(warning, far.length ? "Some of this goes beyond what the avatar has seen of its person; it guesses there." : "");
  };
  const expressionRow = ({ label, names }) => {
    const most = high ? Math.max(...names.map((name) => high[NAMES.indexOf(name)])) : 1;
    return row(label, 0, 100, () => Math.max(...names.map(valueOf)) * 100, most * 100, (value) => {
      for (const name of names) stage.pose.expression[name] = value / 100;
      changed();
    });
  };
  const angleRow = (list, [label, index, most]) =>
    row(label, -most, most, () => stage.pose[list][index] / DEGREES, null, (value) => {
      stage.pose[list][index] = value * DEGREES;
      changed();
    });
  const changed = () => {
    warn();
    stage.draw();
  };
  const refresh = () => rows.forEach((each) => each.refresh());
  const group = (title, made, isOpen) => {
    rows.push(...made);
    return h("details", { open: isOpen }, h("summary", {}, title), made.map((each) => each.element));
  };
  const arrange = () => {
    const open = [...groups.children].filter((each) => each.open).map((each) => each.firstChild.textContent);
    rows = [];
    const isOpen = (title, first) => (open.length ? open.includes(title) : first);
    fill(
      groups,
      group("Head and eyes", [...HEAD.map((each) => angleRow("rotation", each)), ...GAZE.map((each) => angleRow("gaze", each))], isOpen("Head and eyes", true)),
      places(apart.checked).map(([title, list]) => group(title, list.map(expressionRow), isOpen(title, title === "Mouth"))),
    );
  };
  const put = (expression) => {
    Object.assign(stage.pose, { expression: { ...expression }, rotation: [0, 0, 0], gaze: [0, 0] });
    refresh();
    changed();
  };
  arrange();
  const faces = Object.entries(FACES).map(([title, face]) => h("button.chip", { type: "button", onclick: () => put(face) }, title));
  return h(
    "div",
    {},
    h("div.chips", {}, h("button.chip", { type: "button", onclick: () => put({}) }, icon("reset"), "At rest"), faces),
    warning,
    groups,
    h("div.check", {}, apart, h("label", { for: apartId }, "Left and right apart")),
  );
}

/** A slider with its name and its number; `most` is where what training saw ends. */
function row(label, low, high, value, most, act) {
  const id = freshId("slider");
  const output = h("output", { for: id });
  const input = h("input", { type: "range", id, min: low, max: high, step: 1 });
  const refresh = () => {
    input.value = String(Math.round(value()));
    tell();
  };
  const tell = () => {
    say(output, low < 0 ? `${input.value}°` : input.value);
    const [here, zero] = [Number(input.value), Math.max(0, low)].map((each) => ((each - low) / (high - low)) * 100);
    input.style.setProperty("--from", `${Math.min(here, zero)}%`);
    input.style.setProperty("--to", `${Math.max(here, zero)}%`);
    output.classList.toggle("far", most !== null && Number(input.value) > most + BEYOND * 100);
  };
  input.addEventListener("input", () => {
    tell();
    act(Number(input.value));
  });
  input.addEventListener("dblclick", () => {
    input.value = String(low < 0 ? 0 : low);
    input.dispatchEvent(new Event("input"));
  });
  refresh();
  return { element: h("div.row", {}, h("label", { for: id }, label), input, output), refresh };
}
