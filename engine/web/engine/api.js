// SPDX-License-Identifier: GPL-3.0-or-later
// Requests to the engine that served this page.

import { heard, missed, refused } from "./connection.js";
import { token } from "./token.js";

/** What went wrong, in the engine's words; `code` is HTTP's, 0 where no answer came. */
export class EngineError extends Error {
  constructor(code, sentence) {
    super(sentence);
    this.name = "EngineError";
    this.code = code;
  }
}

export const UNREACHABLE = "The engine does not answer; this page goes on by itself when it is back.";

/** Ask the engine; returns the Response of an answer that is no refusal, and throws an EngineError otherwise. */
export async function ask(path, options = {}) {
  const headers = { ...options.headers, Authorization: `Bearer ${token()}` };
  let answer;
  try {
    answer = await fetch(path, { ...options, headers, cache: "no-store", credentials: "omit" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    missed();
    throw new EngineError(0, UNREACHABLE);
  }
  if (answer.status === 401) refused();
  else heard();
  if (!answer.ok) throw await refusalIn(answer);
  return answer;
}

/** The JSON that the engine answers with. */
export async function json(path, options) {
  return (await ask(path, options)).json();
}

/** Send JSON; returns the JSON of the answer. */
export function post(path, value) {
  return json(path, asJson(value));
}

/** The options of a request that sends JSON. */
export function asJson(value, more = {}) {
  const body = JSON.stringify(value === undefined ? {} : value);
  return { method: "POST", headers: { "Content-Type": "application/json" }, body, ...more };
}

/** What the engine answers with, as a Blob. */
export async function blob(path, options) {
  return (await ask(path, options)).blob();
}

/** A path of the engine with a name in it. */
export function at(folder, name, rest = "") {
  return `/v1/${folder}/${encodeURIComponent(name)}${rest}`;
}

async function refusalIn(answer) {
  try {
    const { detail } = await answer.json();
    return new EngineError(answer.status, String(detail));
  } catch {
    return new EngineError(answer.status, `The engine answered with the code ${answer.status}; try again.`);
  }
}
