// SPDX-License-Identifier: GPL-3.0-or-later
// A new avatar: a file, some choices and a sentence of consent become an upload and two jobs.

import { accepting, CONSENTS, KINDS, mediumOf, PHOTOS, PRESETS, VIDEOS } from "../choices.js";
import { json } from "../engine/api.js";
import { submit } from "../engine/jobs.js";
import { fill, freshId, h } from "../kit/dom.js";
import { dropZone } from "../kit/drop.js";
import { problem } from "../kit/feedback.js";
import { asName, isName, size, stem, untaken } from "../kit/words.js";
import { radios } from "./radios.js";
import { uploading } from "./uploading.js";

let offered = null;

/** Have the view begin with a file that was dropped elsewhere. */
export function offer(file) {
  offered = file;
}

/** The view. */
export function makeView(signal) {
  const place = h("div");
  const begin = (file) => {
    const wrong = reasonAgainst(file);
    fill(place, wrong ? [problem(wrong), firstStep(begin)] : form(file, signal, restart));
  };
  const restart = () => fill(place, firstStep(begin));
  const file = offered;
  offered = null;
  if (file) begin(file);
  else restart();
  return h("section.narrow", {}, h("h1", {}, "New avatar"), place);
}

function reasonAgainst(file) {
  if (!mediumOf(file)) return `“${file.name}” is neither a photo nor a video; choose one of a face.`;
  return file.size ? "" : `“${file.name}” is empty; choose another file.`;
}

function firstStep(begin) {
  return [
    dropZone({
      title: "Drop a photo or a video of a face",
      words: "or choose one. A video of twenty seconds, talking and looking around, makes the best portrait.",
      accept: accepting(PHOTOS, VIDEOS),
      take: begin,
    }),
    h("p.note", {}, "The file goes to the engine that this page came from, and nowhere else."),
  ];
}

function form(file, signal, restart) {
  const medium = mediumOf(file);
  const nameId = freshId("name");
  const name = h("input", { id: nameId, value: asName(stem(file.name)), required: true, maxlength: 60, autocomplete: "off" });
  const kind = radios("Kind", KINDS, medium === "photo" ? "splats" : "portrait");
  const preset = radios("Quality", PRESETS, "preview");
  sayWhatToExpect(kind, preset);
  const consent = consentFields();
  const more = moreFields();
  const said = h("div");
  const button = h("button.primary", { type: "submit" }, "Make the avatar");
  const fields = h(
    "fieldset.bare",
    {},
    h("div.field", {}, h("label", { for: nameId }, "Name"), name),
    kind.element,
    preset.element,
    consent.element,
    more.element,
    said,
    h("div.buttons", {}, button, h("button", { type: "button", onclick: restart }, "Another file")),
  );
  const send = async (event) => {
    event.preventDefault();
    fill(said);
    if (!isName(name.value.trim())) {
      fill(said, problem("Names begin with a letter or a figure, and hold letters, figures, blanks, points and hyphens."));
      name.focus();
      return;
    }
    fields.disabled = true;
    try {
      const chosen = { kind: kind.value(), preset: preset.value(), ...more.values(), ...consent.values() };
      await make(file, medium, name.value.trim(), chosen, said, signal);
      location.hash = "#/jobs";
    } catch (error) {
      fill(said, error.name === "AbortError" ? h("p.note", { role: "status" }, "The upload was stopped; what had come is kept.") : problem(error.message));
    } finally {
      fields.disabled = false;
    }
  };
  return h("form.panel", { onsubmit: send }, shown(file, medium, signal), fields);
}

/** Say beside each quality how long the kind that is chosen trains here, as far as the engine knows. */
async function sayWhatToExpect(kind, preset) {
  const expected = await json("/v1/expectations").catch(() => []);
  const show = () => expected.filter((each) => each.kind === kind.value()).forEach((each) => preset.more(each.preset, each.sentence));
  kind.element.addEventListener("change", show);
  show();
}

/** Upload, then ask for the dataset and the avatar: the second job waits for the first in the engine's own queue. */
async function make(file, medium, wanted, chosen, said, signal) {
  const source = await uploading(file, said, signal);
  const name = untaken(wanted, await takenNames());
  const sides = { size: PRESETS[chosen.preset].size, head_only: chosen.headOnly };
  if (medium === "video") await submit("track", { source, dataset: name, ...sides });
  else await submit("photo", { photo: source, dataset: name, ...sides });
  const { consent, by } = chosen;
  await submit("build", {
    dataset: name,
    avatar: name,
    avatar_kind: chosen.kind,
    preset: chosen.preset,
    consent,
    consent_by: by,
    ...(chosen.minutes ? { seconds: chosen.minutes * 60 } : {}),
  });
}

/** Names of avatars, and of datasets that jobs were asked to make. */
async function takenNames() {
  const [avatars, jobs] = await Promise.all([json("/v1/avatars"), json("/v1/jobs")]);
  return new Set([...avatars.map((avatar) => avatar.id), ...jobs.map((job) => stem(job.parameters.dataset || ""))]);
}

/** The file as it looks, and what it is called. */
function shown(file, medium, signal) {
  const address = URL.createObjectURL(file);
  signal.addEventListener("abort", () => URL.revokeObjectURL(address));
  const hide = (event) => event.target.remove();
  const picture =
    medium === "video"
      ? h("video", { src: address, muted: true, playsinline: true, preload: "metadata", controls: true, onerror: hide })
      : h("img", { src: address, alt: "", onerror: hide });
  return h("div.chosen", {}, picture, h("div", {}, h("strong", {}, file.name), h("p.quiet", {}, `${medium === "video" ? "Video" : "Photo"}, ${size(file.size)}`)));
}

function consentFields() {
  const wordsId = freshId("consent");
  const byId = freshId("by");
  const words = h("textarea", { id: wordsId, rows: 2, required: true, maxlength: 500 });
  const by = h("input", { id: byId, autocomplete: "name", maxlength: 100 });
  const quick = CONSENTS.map(([title, text]) =>
    h("button.chip", { type: "button", onclick: () => ((words.value = text), words.focus()) }, title),
  );
  const element = h(
    "fieldset",
    {},
    h("legend", {}, "Consent"),
    h("label", { for: wordsId }, "What did the person shown agree to?"),
    h("div.chips", {}, quick),
    words,
    h("label", { for: byId }, "Who says so ", h("span.quiet", {}, "(if you like)")),
    by,
    h("p.note", {}, "It is kept in the avatar, and in every film that is made with it."),
  );
  return { element, values: () => ({ consent: words.value.trim(), by: by.value.trim() }) };
}

function moreFields() {
  const minutesId = freshId("minutes");
  const headId = freshId("head");
  const minutes = h("input.short", { id: minutesId, type: "number", min: 0.1, max: 1440, step: "any", inputmode: "decimal" });
  const head = h("input", { id: headId, type: "checkbox" });
  const element = h(
    "details",
    {},
    h("summary", {}, "More choices"),
    h("div.field", {}, h("label", { for: minutesId }, "Minutes of training ", h("span.quiet", {}, "(else by the quality)")), minutes),
    h("div.check", {}, head, h("label", { for: headId }, "Head only: remove the clothes")),
  );
  return { element, values: () => ({ minutes: Number(minutes.value) || 0, headOnly: head.checked }) };
}
