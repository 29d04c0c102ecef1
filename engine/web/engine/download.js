// SPDX-License-Identifier: GPL-3.0-or-later
// Files from the engine into the browser's downloads. A link cannot carry the token, so the bytes are fetched first.

import { ask } from "./api.js";
import { h } from "../kit/dom.js";

/** Fetch a file and have the browser keep it under a name; `tell` hears the share that has come, 0 to 1. */
export async function download(path, name, tell = () => {}) {
  const answer = await ask(path);
  const total = Number(answer.headers.get("Content-Length")) || 0;
  const pieces = [];
  let had = 0;
  const reader = answer.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
    had += value.length;
    if (total) tell(had / total);
  }
  keep(new Blob(pieces, { type: answer.headers.get("Content-Type") || "" }), name);
}

/** Have the browser keep a Blob under a name. */
export function keep(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = h("a", { href: address, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
