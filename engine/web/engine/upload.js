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
 * @param {AbortSignal} signal ends it.
 */
export async function upload(file, tell, signal) {
  const sha256 = await hashOf(file, (share) => tell("reading", share), signal);
  const path = `/v1/files/${sha256}?name=${encodeURIComponent(file.name.slice(-200))}`;
  let failures = 0;
  for (;;) {
    try {
      let there = await bytesThere(path, signal);
      while (there < file.size || file.size === 0) {
        tell("sending", file.size ? there / file.size : 1);
        there = await sendPiece(path, file, there, signal);
        failures = 0;
        if (file.size === 0) break;
      }
      tell("sending", 1);
      return `sha256:${sha256}`;
    } catch (error) {
      const mayPass = error instanceof EngineError && (error.code === 0 || error.code === 409);
      if (!mayPass || failures >= PAUSES.length) throw error;
      tell("waiting", 0);
      await pause(PAUSES[failures], signal);
      failures += 1;
    }
  }
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

async function bytesThere(path, signal) {
  const answer = await ask(path, { method: "HEAD", signal, alsoFine: [404] });
  return answer.status === 404 ? 0 : Number(answer.headers.get("Upload-Offset") || 0);
}

async function sendPiece(path, file, at, signal) {
  const end = Math.min(file.size, at + PIECE);
  const headers = { "Content-Type": "application/octet-stream" };
  if (file.size) headers["Content-Range"] = `bytes ${at}-${end - 1}/${file.size}`;
  await ask(path, { method: "PUT", headers, body: file.slice(at, end), signal });
  return end;
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
