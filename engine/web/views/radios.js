// SPDX-License-Identifier: GPL-3.0-or-later
// One of several things to choose, each with a sentence about it.

import { freshId, h } from "../kit/dom.js";

/** `choices` are {value: {title, words}}; returns the element, and what gives the value that is chosen. */
export function radios(title, choices, first) {
  const name = freshId("choice");
  const inputs = [];
  const options = Object.entries(choices).map(([value, { title: each, words }]) => {
    const id = freshId("option");
    const input = h("input", { type: "radio", name, id, value, checked: value === first });
    inputs.push(input);
    return h("label.option", { for: id }, input, h("span", {}, h("strong", {}, each), h("span.quiet", {}, words)));
  });
  const element = h("fieldset", {}, h("legend", {}, title), h("div.options", {}, options));
  return { element, value: () => inputs.find((input) => input.checked).value };
}
