// SPDX-License-Identifier: GPL-3.0-or-later
// Elements made in code. Texts become text nodes, never markup: names come from files of anybody.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element: h("button.primary", { onclick, disabled: true }, "Build", icon). `on…` are listeners, `style` is an
 * object of CSS properties, true sets a bare attribute, false and null none; other values are attributes' texts.
 */
export function h(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  return filled(document.createElement(tag || "div"), classes, attributes, children);
}

/** Make an element of a drawing; as `h`. */
export function svg(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  return filled(document.createElementNS(SVG, tag), classes, attributes, children);
}

function filled(element, classes, attributes, children) {
  if (classes.length) element.classList.add(...classes);
  for (const [name, value] of Object.entries(attributes)) give(element, name, value);
  element.append(...children.flat(3).filter((each) => each !== null && each !== undefined && each !== false));
  return element;
}

function give(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "style") for (const [key, each] of Object.entries(value)) element.style.setProperty(key, each);
  else if (name === "value") element.value = value;
  else element.setAttribute(name, value === true ? "" : String(value));
}

/** Put these children into an element, in place of what it holds. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(3).filter((each) => each !== null && each !== undefined && each !== false));
  return element;
}

/** Set an element's text where it says something else: screen readers are told only of what is new. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

let labels = 0;

/** An id that no other element has. */
export function freshId(word) {
  labels += 1;
  return `${word}-${labels}`;
}
