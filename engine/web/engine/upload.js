// SPDX-License-Identifier: GPL-3.0-or-later
// A file on its way to the engine: named by its SHA-256, in pieces, and gone on with after a break.

import { ask, EngineError } from "./api.js";
import { Sha256 } from "./sha256.js";

const PIECE = 4 << 20;
const PAUSES = [1, 2, 4, 8, 15, 15, 15, 15, 15, 15];

/**
 * Bring a file to the engine; returns how jobs name it there.
 *
 * @param {File} file
 * @param {(stage: "reading" | "sending" | "waiting", share: number) => void} tell
 * @param {AbortSignal} signal ends it; what has come is kept, and gone on with another time.
 */
export async function upload(file, tell, signal) {
  if (!file.size) throw new Error(`“${file.name}” is empty; choose another file.`);
  const sha256 = await hashOf(file, (share) => tell("reading", share), signal);
  const path = `/v1/files/${sha256}`;
  for (let failures = 0; ; failures += 1) {
    try {
      await sendRest(path, file, signal, (share) => {
        failures = 0;
        tell("sending", share);
      });
      return `sha256:${sha256}/${plainName(file.name)}`;
    } catch (error) {
      const mayPass = error instanceof EngineError && (error.code === 0 || error.code === 409);
      if (!mayPass || failures >= PAUSES.length) throw error;
      tell("waiting", 0);
      await pause(PAUSES[failures], signal);
    }
  }
}

/** A file's name with other letters in place of those that the engine does not take. */
export function plainName(name) {
  const [, stem, ending] = /^(.*?)(\.[A-Za-z0-9]{1,12})?$/s.exec(name);
  const kept = stem.normalize("NFC").replace(/[^\p{L}\p{N}\p{M}_ .-]/gu, "_").slice(0, 60);
  return `${/^[\p{L}\p{N}_]/u.test(kept) ? "" : "_"}${kept}${ending || ""}`.replace(/[ .]+$/, "");
}

/** Send what the engine does not have yet of a file. */
async function sendRest(path, file, signal, tell) {
  const state = await ask(path, { method: "HEAD", signal });
  let there = Number(state.headers.get("Upload-Offset")) || 0;
  while (there < file.size) {
    tell(there / file.size);
    const end = Math.min(file.size, there + PIECE);
    const headers = { "Content-Type": "application/octet-stream", "Content-Range": `bytes ${there}-${end - 1}/${file.size}` };
    await ask(path, { method: "PUT", headers, body: file.slice(there, end), signal });
    there = end;
  }
  tell(1);
}

/** The SHA-256 of a file, which is read piece by piece. */
export async function hashOf(file, tell, signal) {
  const hash = new Sha256();
  for (let at = 0; at < file.size; at += PIECE) {
    signal.throwIfAborted();
    tell(at / file.size);
    hash.add(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()));
    await new Promise((resolve) => setTimeout(resolve));
  }
  return hash.hex();
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
