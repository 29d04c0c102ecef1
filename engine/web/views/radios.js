// SPDX-License-Identifier: GPL-3.0-or-later
// One of several things to choose, each with a sentence about it.

import { fill, freshId, h } from "../kit/dom.js";

/** `choices` are {value: {title, words}}; returns the element, what gives the value that is chosen, and what says more of one. */
export function radios(title, choices, first) {
  const name = freshId("choice");
  const inputs = [];
  const further = {};
  const options = Object.entries(choices).map(([value, { title: each, words }]) => {
    const id = freshId("option");
    const input = h("input", { type: "radio", name, id, value, checked: value === first });
    inputs.push(input);
    further[value] = h("span.quiet");
    return h("label.option", { for: id }, input, h("span", {}, h("strong", {}, each), h("span.quiet", {}, words), further[value]));
  });
  const element = h("fieldset", {}, h("legend", {}, title), h("div.options", {}, options));
  const more = (value, words) => further[value] && fill(further[value], words);
  return { element, value: () => inputs.find((input) => input.checked).value, more };
}
