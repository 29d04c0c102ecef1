// SPDX-License-Identifier: GPL-3.0-or-later
// Buttons that are busy while they do something, and sentences about what went wrong.

import { fill, h } from "./dom.js";

/** A button that does something that takes time: it waits for it, and what goes wrong is said in `place`. */
export function actionButton(name, words, act, place, attributes = {}) {
  const button = h(name, { type: "button", ...attributes, onclick: () => doing(button, act, place) }, words);
  return button;
}

/** Do something while a button is busy; returns whether it went well. */
export async function doing(button, act, place) {
  if (button.getAttribute("aria-busy") === "true") return false;
  button.setAttribute("aria-busy", "true");
  fill(place);
  try {
    await act();
    return true;
  } catch (error) {
    if (error.name !== "AbortError") fill(place, problem(error.message));
    return false;
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** A sentence about what went wrong. */
export function problem(sentence) {
  return h("p.problem", { role: "alert" }, sentence);
}

/** What is shown where there is nothing yet. */
export function empty(title, words, ...more) {
  return h("div.empty", {}, h("h2", {}, title), h("p", {}, words), more);
}

/** A bar of how much is done; a share of null means that nobody knows. */
export function progressBar(share, label) {
  const known = share !== null && share !== undefined;
  const bar = h("div.bar", {
    role: "progressbar",
    "aria-label": label,
    "aria-valuemin": 0,
    "aria-valuemax": 100,
    "aria-valuenow": known ? Math.round(share * 100) : null,
  });
  bar.classList.toggle("unknown", !known);
  bar.append(h("span", { style: { width: known ? `${(share * 100).toFixed(1)}%` : "40%" } }));
  return bar;
}

/** Let a bar show another share. */
export function moveBar(bar, share) {
  bar.setAttribute("aria-valuenow", Math.round(share * 100));
  bar.classList.remove("unknown");
  bar.firstChild.style.width = `${(share * 100).toFixed(1)}%`;
}
