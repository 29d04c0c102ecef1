// SPDX-License-Identifier: GPL-3.0-or-later
// One avatar: seen, moved by sliders or by a face, filmed, downloaded.

import { at, json } from "../engine/api.js";
import { untilDone } from "../engine/connection.js";
import { download } from "../engine/download.js";
import { fill, h } from "../kit/dom.js";
import { actionButton, problem } from "../kit/feedback.js";
import { icon } from "../kit/icons.js";
import { tabs } from "../kit/tabs.js";
import { size } from "../kit/words.js";
import { KIND_WORDS, thumbnail } from "./avatars.js";
import { cameraPanel } from "./camera.js";
import { filmPanel } from "./film.js";
import { slidersPanel } from "./sliders.js";
import { Stage } from "./stage.js";

/** The view. */
export function avatarView(name, signal) {
  const place = h("div", { "aria-busy": "true" });
  const load = async () => {
    try {
      const avatar = await json(at("avatars", name), { signal });
      if (avatar.error) throw new Error(avatar.error);
      fill(place, studio(avatar, signal));
    } catch (error) {
      if (error.name !== "AbortError") fill(place, problem(error.message));
      if (error.code === 0) return false;
    }
    place.removeAttribute("aria-busy");
    return true;
  };
  untilDone(load, signal);
  const back = h("a.back", { href: "#/avatars" }, icon("back"), "Avatars");
  return h("section", {}, back, h("h1", {}, name), place);
}

function studio(avatar, signal) {
  const said = avatar.metadata;
  const turns = said.kind === "radiance";
  const stage = new Stage(avatar.id, turns, thumbnail(said), signal);
  const camera = cameraPanel(avatar, stage, signal);
  const panels = [
    ["Sliders", h("div.tab-panel", {}, slidersPanel(stage, said))],
    ["Camera", h("div.tab-panel", {}, camera.element)],
    ["Film", h("div.tab-panel", {}, filmPanel(avatar, signal))],
    ["About", h("div.tab-panel", {}, about(avatar))],
  ];
  const choose = (index) => {
    if (index !== 1) camera.stop();
  };
  stage.draw();
  return h(
    "div.studio",
    {},
    h(
      "div.stage-side",
      {},
      stage.element,
      turns
        ? h("div.under", {}, h("span", {}, "Drag to turn it."), h("button.small", { type: "button", onclick: () => stage.face() }, icon("reset"), "From the front"))
        : h("div.under", {}, h("span", {}, "A portrait: seen from its footage’s camera.")),
    ),
    h("div.panel.controls", {}, tabs("What to do with it", panels, choose)),
  );
}

function about(avatar) {
  const said = avatar.metadata;
  const from = said.provenance;
  const consent = from.consent
    ? [`“${from.consent}”`, from.consent_by && `Stated by ${from.consent_by}`, from.consent_for && `For ${from.consent_for}`].filter(Boolean).join(". ")
    : "None is recorded";
  const facts = [
    ["Kind", KIND_WORDS[said.kind] || said.kind],
    ["Picture", `${said.resolution} pixels`],
    ["Made from", from.source || "unknown"],
    ["Built", from.date ? new Date(from.date).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : "unknown"],
    ["Training", from.steps ? `${from.steps.toLocaleString()} steps` : "unknown"],
    ["Consent", consent],
    ["File", size(avatar.bytes)],
  ];
  const problems = h("div");
  const words = h("span", {}, "Download");
  const get = actionButton(
    "button",
    [icon("down"), words],
    () => download(at("avatars", avatar.id, "/file"), `${avatar.id}.safetensors`, (share) => (words.textContent = `Download, ${Math.round(share * 100)} %`)).finally(() => (words.textContent = "Download")),
    problems,
  );
  return h(
    "div",
    {},
    h("dl.facts", {}, facts.map(([term, what]) => [h("dt", {}, term), h("dd", {}, what)])),
    from.fallbacks.map((each) => h("p.note", {}, each)),
    problems,
    h("div.buttons", {}, get),
  );
}
