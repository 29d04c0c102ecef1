// SPDX-License-Identifier: GPL-3.0-or-later
// One job: how far it is, what it looks like so far, what can be done about it.

import { ask, at, blob, json } from "../engine/api.js";
import { download } from "../engine/download.js";
import { cancel, hasEnded, look, retry, titleOf, waitsFor } from "../engine/jobs.js";
import { fill, h, say } from "../kit/dom.js";
import { actionButton, moveBar, progressBar } from "../kit/feedback.js";
import { duration, fileName, moment } from "../kit/words.js";
import { Curve } from "./curve.js";

const STATES = {
  queued: "Waiting",
  running: "Running",
  cancelling: "Stopping",
  cancelled: "Cancelled",
  failed: "Failed",
  done: "Done",
};
const SECONDS_BETWEEN_PICTURES = 2;

export class JobCard {
  constructor() {
    this._title = h("h3");
    this._state = h("span.state");
    this._bar = progressBar(0, "Progress");
    this._words = h("p.words");
    this._error = h("p.problem", { hidden: true });
    this._picture = h("img.preview", { alt: "How it looks so far", hidden: true });
    this._curve = new Curve();
    this._seen = h("div.seen", {}, this._picture, this._curve.element);
    this._said = h("div");
    this._buttons = h("div.buttons");
    this._looked = -Infinity;
    this._shown = "";
    this.element = h(
      "li.job",
      {},
      h("div.line", {}, this._title, this._state),
      this._bar,
      this._words,
      this._error,
      this._seen,
      this._said,
      this._buttons,
    );
  }

  /** Show the job as it stands. */
  show(job, jobs) {
    this._job = job;
    const ended = hasEnded(job);
    say(this._title, titleOf(job));
    say(this._state, job.finishing && !ended ? "Finishing" : STATES[job.state]);
    this.element.dataset.state = job.state;
    this._bar.hidden = ended || job.state === "queued";
    moveBar(this._bar, job.fraction);
    this._bar.setAttribute("aria-label", `Progress of ${titleOf(job)}`);
    say(this._words, this._sentence(job, jobs));
    this._error.hidden = !job.error;
    say(this._error, job.error);
    this._offer(job, jobs);
    this._lookOften(job, ended);
  }

  /** Let go of pictures. */
  close() {
    if (this._address) URL.revokeObjectURL(this._address);
  }

  _sentence(job, jobs) {
    if (job.state === "queued") {
      const before = jobs.find((each) => waitsFor(job, each) && !hasEnded(each));
      return before ? `Begins when “${titleOf(before)}” is done.` : "Begins when those before it are done.";
    }
    if (hasEnded(job)) return moment(job.created);
    const left = job.seconds_left === null ? "" : `${duration(job.seconds_left)} left`;
    const share = job.stage ? `${job.stage}, ${Math.floor(job.fraction * 100)} %` : "Starting";
    return [share, left, job.message].filter(Boolean).join(" · ");
  }

  /** Offer what can be done now; buttons stay the same ones while that does not change. */
  _offer(job, jobs) {
    const actions = this._actions(job, jobs);
    const key = actions.map(([words]) => words).join("|");
    if (key === this._key) return;
    this._key = key;
    const made = actions.map(([words, act, style = "button.small"]) =>
      typeof act === "string"
        ? h("a.button.small.primary", { href: act }, words)
        : actionButton(style, words, act, this._said, { "aria-label": `${words}: ${titleOf(job)}` }),
    );
    fill(this._buttons, made);
  }

  _actions(job, jobs) {
    const actions = [];
    if (job.state === "done" && job.result.avatar_id) {
      actions.push(["Open", `#/avatars/${encodeURIComponent(job.result.avatar_id)}`]);
    }
    if (job.state === "done" && /\.[a-z0-9]+$/i.test(job.result.out || "")) {
      actions.push(["Download", () => download(at("jobs", job.id, "/file"), fileName(job.result.out))]);
    }
    if (job.state === "running" && job.kind === "build" && !job.finishing && job.preview) {
      actions.push(["Good enough", () => this._do("POST", "/finish"), "button.small"]);
    }
    if (job.state === "queued") {
      const turns = jobs.filter((each) => each.state === "queued").length;
      if (turns > 1) {
        actions.push(["Sooner", () => this._do("POST", "/sooner")], ["Later", () => this._do("POST", "/later")]);
      }
    }
    if (job.state === "running" || job.state === "queued") actions.push(["Cancel", () => cancel(this._job)]);
    if (job.state === "failed" || job.state === "cancelled") actions.push(["Try again", () => retry(this._job)]);
    if (hasEnded(job)) actions.push(["Remove", () => this._do("DELETE", "")]);
    return actions;
  }

  async _do(method, rest) {
    await ask(at("jobs", this._job.id, rest), { method });
    await look();
  }

  async _lookOften(job, ended) {
    const key = `${job.id} ${job.state}`;
    const now = performance.now() / 1000;
    if (!job.preview || (ended && key === this._shown) || now - this._looked < SECONDS_BETWEEN_PICTURES) return;
    if (ended && this.element.getBoundingClientRect().top > 2 * innerHeight) return;
    this._looked = now;
    this._shown = key;
    try {
      await Promise.all([this._lookAtPicture(job), job.kind === "build" ? this._lookAtCurve(job) : null]);
    } catch {
      this._shown = "";
    }
  }

  async _lookAtPicture(job) {
    const picture = await blob(at("jobs", job.id, "/preview"));
    this.close();
    this._address = URL.createObjectURL(picture);
    this._picture.src = this._address;
    this._picture.hidden = false;
  }

  async _lookAtCurve(job) {
    this._curve.show(await json(at("jobs", job.id, "/curve?most=150")));
  }
}
