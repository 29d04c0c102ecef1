// SPDX-License-Identifier: GPL-3.0-or-later
// A place to drop a file onto, or to choose one with.

import { freshId, h } from "./dom.js";
import { icon } from "./icons.js";

/** A place for one file: `take(file)` is called with it. `accept` is as an input has it. */
export function dropZone({ title, words, accept, take }) {
  const id = freshId("file");
  const input = h("input.out-of-sight", { type: "file", id, accept, onchange: () => takeFirst(input.files) });
  const zone = h(
    "label.drop",
    { for: id },
    icon("up"),
    h("strong", {}, title),
    h("span", {}, words),
  );
  const takeFirst = (files) => {
    if (files.length) take(files[0]);
    input.value = "";
  };
  return h("div.drop-place", dropping(zone, takeFirst), input, zone);
}

/** Listeners that let an element take dropped files, marking `shown` meanwhile. */
export function dropping(shown, takeFiles) {
  let depth = 0;
  const mark = (by) => {
    depth = Math.max(0, depth + by);
    shown.classList.toggle("over", depth > 0);
  };
  const hasFiles = (event) => [...event.dataTransfer.types].includes("Files");
  return {
    ondragenter: (event) => hasFiles(event) && mark(1),
    ondragleave: (event) => hasFiles(event) && mark(-1),
    ondragover: (event) => {
      if (hasFiles(event)) event.preventDefault();
    },
    ondrop: (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      event.stopPropagation();
      depth = 0;
      mark(0);
      takeFiles(event.dataTransfer.files);
    },
  };
}
