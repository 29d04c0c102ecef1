// SPDX-License-Identifier: GPL-3.0-or-later
// The engine's jobs, looked at often while one of them runs and now and then otherwise.

import { at, json, post } from "./api.js";
import { stem } from "../kit/words.js";

const SOON = 1000;
const LATER = 5000;
const MOST = 60;
const ENDED = new Set(["cancelled", "failed", "done"]);

const listeners = new Set();
let jobs = null;
let timer = 0;

/** Whether nothing more will happen to a job. */
export function hasEnded(job) {
  return ENDED.has(job.state);
}

/** Be told of the list of jobs, newest first, at each look; returns what ends that. */
export function watchJobs(listener) {
  listeners.add(listener);
  if (jobs) listener(jobs);
  look();
  return () => listeners.delete(listener);
}

/** Look at the jobs now. */
export async function look() {
  clearTimeout(timer);
  try {
    jobs = await json(`/v1/jobs?most=${MOST}`);
    for (const listener of [...listeners]) listener(jobs);
  } catch {
    // The connection's banner says so; the next look finds it back.
  }
  clearTimeout(timer);
  const isBusy = jobs && jobs.some((job) => !hasEnded(job));
  timer = setTimeout(look, isBusy && !document.hidden ? SOON : LATER);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && listeners.size) look();
});

/** Ask for a job; returns it. */
export async function submit(kind, parameters) {
  const job = await post("/v1/jobs", { kind, parameters });
  look();
  return job;
}

/** Stop a job, and what waits for what it makes. */
export async function cancel(job) {
  await post(at("jobs", job.id, "/cancel"));
  const waiting = (jobs || []).filter((each) => each.state === "queued" && waitsFor(each, job));
  await Promise.all(waiting.map((each) => post(at("jobs", each.id, "/cancel"))));
  look();
}

/** Whether a job builds on what another one makes. */
export function waitsFor(job, other) {
  const makes = other.kind === "track" || other.kind === "photo";
  return job.kind === "build" && makes && job.parameters.dataset === other.parameters.dataset;
}

/** Ask for the same job once more. */
export async function retry(job) {
  await post(at("jobs", job.id, "/retry"));
  look();
}

const DOING = {
  track: (asked) => `Tracking ${stem(asked.dataset)}`,
  photo: (asked) => `Preparing ${stem(asked.dataset)}`,
  build: (asked) => `Building ${stem(asked.avatar)}`,
  reenact: (asked) => `Filming ${stem(asked.avatar)}`,
  orbit: (asked) => `Circling ${stem(asked.avatar)}`,
  bake: (asked) => `Baking ${stem(asked.avatar)}`,
  measure: () => "Measuring how quickly this machine trains",
  mark: (asked) => `Signing ${stem(asked.file)}`,
};

/** What a job does, in words. */
export function titleOf(job) {
  return (DOING[job.kind] || (() => job.kind))(job.parameters);
}
