// SPDX-License-Identifier: GPL-3.0-or-later
// All avatars of the engine, with their pictures.

import { json } from "../engine/api.js";
import { untilDone } from "../engine/connection.js";
import { hasEnded, watchJobs } from "../engine/jobs.js";
import { fill, h } from "../kit/dom.js";
import { empty, problem } from "../kit/feedback.js";
import { icon } from "../kit/icons.js";
import { moment } from "../kit/words.js";

/** Names of an avatar's kinds, as the file has them, for people. */
export const KIND_WORDS = { styleavatar: "Portrait", radiance: "Head in 3D" };

/** The view. */
export function avatarsView(signal) {
  const grid = h("div.grid", { "aria-busy": "true" }, h("div.card.waiting"), h("div.card.waiting"), h("div.card.waiting"));
  let known = "";
  const load = async () => {
    try {
      const avatars = await json("/v1/avatars", { signal });
      grid.removeAttribute("aria-busy");
      fill(grid, avatars.length ? avatars.map(card) : nothingYet());
      grid.classList.toggle("none", !avatars.length);
    } catch (error) {
      if (error.code === 0) return false;
      if (error.name !== "AbortError") fill(grid, problem(error.message));
    }
    return true;
  };
  const stop = watchJobs((jobs) => {
    const done = jobs.filter((job) => job.kind === "build" && hasEnded(job)).map((job) => job.id).join();
    if (done !== known) load();
    known = done;
  });
  signal.addEventListener("abort", stop);
  untilDone(load, signal);
  return h("section", {}, h("h1", {}, "Avatars"), grid);
}

function card(avatar) {
  const said = avatar.metadata;
  if (avatar.error) {
    return h("div.card.broken", {}, h("div.face"), h("h2", {}, avatar.id), h("p.problem", {}, avatar.error));
  }
  const kind = KIND_WORDS[said.kind] || said.kind;
  return h(
    "a.card",
    { href: `#/avatars/${encodeURIComponent(avatar.id)}` },
    h("div.face", {}, thumbnail(said)),
    h("h2", {}, avatar.id),
    h("p", {}, `${kind} · ${said.resolution} px`),
    h("p.quiet", {}, moment(avatar.modified)),
  );
}

/** The picture that an avatar's file brings; nothing where it brings none. */
export function thumbnail(said) {
  if (!said.thumbnail) return null;
  return h("img", { src: `data:image/png;base64,${said.thumbnail}`, alt: "", decoding: "async" });
}

function nothingYet() {
  return empty(
    "No avatar yet",
    "Drop a portrait photo or a video of a face anywhere on this page. Some minutes later there is an avatar here that you can turn, drive and film.",
    h("a.button.primary", { href: "#/new" }, icon("plus"), "Make the first one"),
  );
}
