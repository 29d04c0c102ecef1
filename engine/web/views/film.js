// SPDX-License-Identifier: GPL-3.0-or-later
// Films of an avatar: driven by a video, or circled by a camera; the engine signs them.

import { accepting, VIDEOS } from "../choices.js";
import { submit } from "../engine/jobs.js";
import { fill, freshId, h } from "../kit/dom.js";
import { dropping, dropZone } from "../kit/drop.js";
import { actionButton, problem } from "../kit/feedback.js";
import { asName, stem } from "../kit/words.js";
import { uploading } from "./uploading.js";

/** What makes films of the avatar. */
export function filmPanel(avatar, signal) {
  const said = h("div", { "aria-live": "polite" });
  const labelId = freshId("label");
  const label = h("input", { id: labelId, type: "checkbox" });
  const written = () => (label.checked ? { label: "Synthetic" } : {});
  const zone = dropZone({
    title: "Drop a video that drives it",
    words: "Its face moves the avatar; its sound is kept.",
    accept: accepting(VIDEOS),
    take: (file) => drive(avatar, file, written(), said, signal),
  });
  const turns = avatar.metadata.kind === "radiance";
  const circle = actionButton("button", "Film it from round about", () => orbit(avatar, written(), said), said);
  return h(
    "div",
    dropping(zone, (files) => drive(avatar, files[0], written(), said, signal)),
    zone,
    turns ? h("div.buttons", {}, circle) : null,
    h("div.check", {}, label, h("label", { for: labelId }, "Write “Synthetic” onto the picture")),
    said,
    h("p.note", {}, "Films carry Content Credentials that say how they were made; “Verify” reads them."),
  );
}

async function drive(avatar, file, written, said, signal) {
  fill(said);
  try {
    const driver = await uploading(file, said, signal);
    const out = fresh(`${avatar.id} ${asName(stem(file.name))}`);
    await submit("reenact", { avatar: avatar.id, driver, out, ...written });
    tell(said);
  } catch (error) {
    if (error.name !== "AbortError") fill(said, problem(error.message));
  }
}

async function orbit(avatar, written, said) {
  await submit("orbit", { avatar: avatar.id, out: fresh(`${avatar.id} orbit`), ...written });
  tell(said);
}

/** A film's name that no other one has; the engine finds a place for it. */
function fresh(name) {
  return `${name} ${new Date().toISOString().slice(0, 19).replace("T", " ").replaceAll(":", ".")}.mp4`;
}

function tell(said) {
  fill(said, h("p.done", { role: "status" }, "The film is being made. ", h("a", { href: "#/jobs" }, "See how far it is"), "."));
}
