// SPDX-License-Identifier: GPL-3.0-or-later
// Tabs, as the ARIA practices have them: arrow keys move between them.

import { freshId, h } from "./dom.js";

/** `panels` are [title, element]; `chosen(index)` is called at each change. */
export function tabs(label, panels, chosen = () => {}) {
  const buttons = panels.map(([title, panel], index) => {
    const id = freshId("tab");
    panel.id = panel.id || freshId("panel");
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", id);
    return h("button", { type: "button", role: "tab", id, "aria-controls": panel.id, onclick: () => choose(index) }, title);
  });
  const choose = (index) => {
    panels.forEach(([, panel], i) => {
      panel.hidden = i !== index;
      buttons[i].setAttribute("aria-selected", String(i === index));
      buttons[i].tabIndex = i === index ? 0 : -1;
    });
    chosen(index);
  };
  const move = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const index = (buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length;
    buttons[index].focus();
    choose(index);
  };
  const list = h("div.tabs", { role: "tablist", "aria-label": label, onkeydown: move }, buttons);
  choose(0);
  return h("div", {}, list, panels.map(([, panel]) => panel));
}
