// SPDX-License-Identifier: GPL-3.0-or-later
// The engine's jobs: what runs, what waits, what has ended.

import { hasEnded, watchJobs } from "../engine/jobs.js";
import { fill, h } from "../kit/dom.js";
import { empty } from "../kit/feedback.js";
import { icon } from "../kit/icons.js";
import { JobCard } from "./job_card.js";

/** The view. */
export function jobsView(signal) {
  const cards = new Map();
  const running = group("Running");
  const waiting = group("Waiting");
  const ended = group("Ended");
  const none = empty(
    "Nothing to do",
    "What the engine works on is seen here: tracking, building and filming, one after the other.",
    h("a.button.primary", { href: "#/new" }, icon("plus"), "Make an avatar"),
  );
  none.hidden = true;
  const stop = watchJobs((jobs) => {
    const alive = new Set(jobs.map((job) => job.id));
    for (const [id, card] of cards) if (!alive.has(id)) forget(cards, id, card);
    for (const job of jobs) {
      if (!cards.has(job.id)) cards.set(job.id, new JobCard());
      cards.get(job.id).show(job, jobs);
    }
    running.show(jobs.filter((job) => job.state === "running" || job.state === "cancelling"), cards);
    waiting.show(inTurn(jobs.filter((job) => job.state === "queued")), cards);
    ended.show(jobs.filter(hasEnded), cards);
    none.hidden = jobs.length > 0;
  });
  signal.addEventListener("abort", () => {
    stop();
    for (const card of cards.values()) card.close();
  });
  return h("section.narrow", {}, h("h1", {}, "Jobs"), none, running.place, waiting.place, ended.place);
}

function forget(cards, id, card) {
  card.close();
  card.element.remove();
  cards.delete(id);
}

function inTurn(jobs) {
  return jobs.sort((one, other) => (one.turn || one.created) - (other.turn || other.created));
}

function group(title) {
  const list = h("ul.jobs");
  const place = h("section.group", { "aria-label": title, hidden: true }, h("h2", {}, title), list);
  const show = (jobs, cards) => {
    const wanted = jobs.map((job) => cards.get(job.id).element);
    const isSame = wanted.length === list.children.length && wanted.every((each, i) => list.children[i] === each);
    if (!isSame) fill(list, wanted);
    place.hidden = !jobs.length;
  };
  return { place, show };
}
