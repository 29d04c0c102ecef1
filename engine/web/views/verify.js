// SPDX-License-Identifier: GPL-3.0-or-later
// What a file says of how it was made.

import { json } from "../engine/api.js";
import { fill, h } from "../kit/dom.js";
import { dropping, dropZone } from "../kit/drop.js";
import { problem, progressBar } from "../kit/feedback.js";
import { icon } from "../kit/icons.js";

const ENDINGS = ".mp4,.mov,.m4v,.png,.jpg,.jpeg,.webp,.tif,.tiff,.heic,.safetensors";
const TITLES = {
  valid: "It says how it was made",
  changed: "It was changed after it was signed",
  nothing: "It says nothing of how it was made",
  unreadable: "It cannot be read",
};

/** The view. */
export function verifyView(signal) {
  const found = h("div", { "aria-live": "polite" });
  const zone = dropZone({
    title: "Drop a film, a picture or an avatar",
    words: "or choose one. It is looked at by the engine that this page came from, and not kept.",
    accept: ENDINGS,
    take: (file) => look(file, found, signal),
  });
  // A file that is dropped beside the zone is not to become a new avatar.
  return h(
    "section.narrow",
    dropping(zone, (files) => look(files[0], found, signal)),
    h("h1", {}, "Verify"),
    h("p.lead", {}, "Films and pictures that Semblance makes carry Content Credentials: who signed them, how they were made, of whom, and with whose consent."),
    zone,
    found,
  );
}

async function look(file, place, signal) {
  fill(place, h("div.panel", {}, h("p", {}, `Looking at “${file.name}” …`), progressBar(null, "Looking")));
  const path = `/v1/verify?name=${encodeURIComponent(file.name.slice(-200))}`;
  const headers = { "Content-Type": "application/octet-stream" };
  try {
    fill(place, told(file.name, await json(path, { method: "POST", headers, body: file, signal })));
  } catch (error) {
    if (error.name !== "AbortError") fill(place, problem(error.message));
  }
}

function told(name, { finding, sentences }) {
  const [first, ...facts] = sentences;
  return h(
    `article.panel.finding`,
    { "data-finding": finding },
    h("h2", {}, finding === "valid" ? icon("check") : null, TITLES[finding] || finding),
    h("p", {}, first || name),
    facts.length ? h("dl.facts", {}, facts.map(fact)) : null,
  );
}

/** "Made with: Semblance" as a term and what is said of it. */
function fact(sentence) {
  const at = sentence.indexOf(": ");
  if (at < 0) return h("dd", {}, sentence);
  return [h("dt", {}, sentence.slice(0, at)), h("dd", {}, sentence.slice(at + 2))];
}
