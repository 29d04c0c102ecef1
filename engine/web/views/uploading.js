// SPDX-License-Identifier: GPL-3.0-or-later
// An upload that is seen, and can be stopped.

import { upload } from "../engine/upload.js";
import { fill, h, say } from "../kit/dom.js";
import { moveBar, progressBar } from "../kit/feedback.js";

const WORDS = {
  reading: "Reading the file",
  sending: "Sending it to the engine",
  waiting: "The connection broke; it goes on from where it was",
};

/** Bring a file to the engine, and show so in `place`; returns how jobs name it. */
export async function uploading(file, place, signal) {
  const stop = new AbortController();
  signal.addEventListener("abort", () => stop.abort());
  const bar = progressBar(0, "Upload");
  const words = h("p.words", { role: "status" });
  const button = h("button.small", { type: "button", onclick: () => stop.abort() }, "Stop");
  // A disabled fieldset would disable the button, too: the bar stands beside it.
  const shown = h("div.uploading", {}, h("div.line", {}, words, button), bar);
  const fields = place.closest("fieldset");
  if (fields) fields.after(shown);
  else fill(place, shown);
  try {
    return await upload(file, (stage, share) => {
      say(words, WORDS[stage]);
      if (stage !== "waiting") moveBar(bar, share);
    }, stop.signal);
  } finally {
    shown.remove();
  }
}
