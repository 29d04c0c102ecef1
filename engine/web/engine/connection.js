// SPDX-License-Identifier: GPL-3.0-or-later
// Whether the engine answers. When it does not, it is asked again after pauses that grow.

import { token } from "./token.js";

const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 15;

const listeners = new Set();
const state = { is: "unknown", seconds: 0 };
let pause = FIRST_PAUSE;
let timer = 0;

/**
 * Be told of {is, seconds} now and at each change; returns what ends that. `is` is "unknown", "there", "lost" (asked
 * again in `seconds`) or "shut" (the token is wrong).
 */
export function watchConnection(listener) {
  listeners.add(listener);
  listener(state);
  return () => listeners.delete(listener);
}

/** Do something now, and again when the engine is back until it has gone well; `signal` ends that. */
export function untilDone(act, signal) {
  let isDone = false;
  let isBusy = false;
  const attempt = async () => {
    if (isDone || isBusy) return;
    isBusy = true;
    isDone = await act();
    isBusy = false;
  };
  attempt();
  const stop = watchConnection(({ is }) => is === "there" && attempt());
  signal.addEventListener("abort", stop);
}

/** The engine has answered. */
export function heard() {
  pause = FIRST_PAUSE;
  become("there");
}

/** The engine has refused the token. */
export function refused() {
  become("shut");
}

/** The engine has not answered. */
export function missed() {
  if (state.is === "lost" || state.is === "shut") return;
  become("lost");
  wait();
}

/** Ask the engine at once. */
export async function tryNow() {
  clearInterval(timer);
  try {
    const answer = await fetch("/v1/status", { headers: { Authorization: `Bearer ${token()}` }, cache: "no-store" });
    if (answer.status === 401) refused();
    else heard();
  } catch {
    pause = Math.min(LONGEST_PAUSE, pause * 2);
    wait();
  }
}

function wait() {
  clearInterval(timer);
  const until = performance.now() + pause * 1000;
  const look = () => {
    const left = Math.ceil((until - performance.now()) / 1000);
    if (left <= 0) tryNow();
    else become("lost", left);
  };
  look();
  timer = setInterval(look, 500);
}

function become(is, seconds = 0) {
  if (state.is === is && state.seconds === seconds) return;
  if (is !== "lost") clearInterval(timer);
  Object.assign(state, { is, seconds });
  for (const listener of [...listeners]) listener(state);
}
