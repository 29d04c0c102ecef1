// SPDX-License-Identifier: GPL-3.0-or-later
// The page's frame: where one is, how the engine is, and the view that the address names.

import { tryNow, watchConnection } from "./engine/connection.js";
import { hasEnded, watchJobs } from "./engine/jobs.js";
import { json } from "./engine/api.js";
import { takeToken, token } from "./engine/token.js";
import { fill, h, say } from "./kit/dom.js";
import { dropping } from "./kit/drop.js";
import { icon } from "./kit/icons.js";
import { avatarView } from "./views/avatar.js";
import { avatarsView } from "./views/avatars.js";
import { jobsView } from "./views/jobs.js";
import { makeView, offer } from "./views/make.js";
import { tokenView } from "./views/token.js";
import { verifyView } from "./views/verify.js";

const PLACES = [
  { path: "avatars", words: "Avatars", sign: "faces", view: avatarsView },
  { path: "jobs", words: "Jobs", sign: "jobs", view: jobsView },
  { path: "verify", words: "Verify", sign: "check", view: verifyView },
];

const main = h("main", { id: "main", tabindex: "-1" });
const banner = h("div.banner", { role: "status", "aria-live": "polite", hidden: true });
const machine = h("span.machine");
const busy = h("span.count", { hidden: true });
const links = new Map();
let leave = () => {};

takeToken();
document.getElementById("app").append(h("div.above", {}, header(), banner), main);
addEventListener("hashchange", () => (takeToken() ? location.reload() : show(true)));
Object.entries(dropping(document.body, takeAnywhere)).forEach(([name, act]) => addEventListener(name.slice(2), act));
watchConnection(tellConnection);
if (token()) watchJobs(tellJobs);
show(false);

function header() {
  const navigation = h("nav", { "aria-label": "Places" }, PLACES.map(link));
  return h(
    "header.top",
    {},
    h("a.wordmark", { href: "#/avatars", "aria-label": "Semblance, avatars" }, "Semblance"),
    navigation,
    h("a.button.primary.make", { href: "#/new" }, icon("plus"), h("span", {}, "New avatar")),
    machine,
  );
}

function link({ path, words, sign }) {
  const made = h("a", { href: `#/${path}` }, icon(sign), h("span", {}, words), path === "jobs" ? busy : null);
  links.set(path, made);
  return made;
}

/** Show what the address names; `moved` puts the focus there, for who reads by ear or keyboard. */
function show(moved) {
  leave();
  const [, path = "avatars", ...rest] = location.hash.split("/").map(decoded);
  for (const [name, made] of links) {
    if (name === path) made.setAttribute("aria-current", "page");
    else made.removeAttribute("aria-current");
  }
  const leaving = new AbortController();
  leave = () => leaving.abort();
  const content = viewOf(path, rest.join("/"), leaving.signal);
  fill(main, content);
  document.title = `${content.querySelector("h1")?.textContent || "Semblance"} · Semblance`;
  scrollTo(0, 0);
  if (moved) main.focus({ preventScroll: true });
}

/** A view as an element; what it goes on doing ends with the signal. */
function viewOf(path, name, signal) {
  if (!token()) return tokenView(() => location.reload());
  if (path === "avatars" && name) return avatarView(name, signal);
  if (path === "new") return makeView(signal);
  return (PLACES.find((place) => place.path === path) || PLACES[0]).view(signal);
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function takeAnywhere(files) {
  if (!files.length || !token()) return;
  offer(files[0]);
  if (location.hash === "#/new") show(true);
  else location.hash = "#/new";
}

let wasLost = false;

function tellConnection({ is, seconds }) {
  document.body.dataset.engine = is;
  if (is === "lost") {
    const again = seconds > 0 ? `Trying again in ${seconds} s.` : "Trying again …";
    banner.hidden = false;
    if (!banner.querySelector("button")) {
      const words = h("span.words", {}, "The engine does not answer. If it was stopped, start it again; this page goes on by itself.");
      fill(banner, h("span.dot"), words, h("span.again", { "aria-live": "off" }), h("button", { type: "button", onclick: tryNow }, "Try now"));
    }
    say(banner.querySelector(".again"), again);
    say(machine, "");
    wasLost = true;
    return;
  }
  if (is === "shut" && token()) {
    banner.hidden = true;
    fill(main, tokenView(() => location.reload(), true));
    return;
  }
  if (is === "there") {
    tellMachine();
    if (!wasLost) return;
    wasLost = false;
    fill(banner, h("span.dot.good"), h("span", {}, "The engine is back."));
    setTimeout(() => {
      if (!wasLost) banner.hidden = true;
    }, 3000);
  }
}

let isTelling = false;

async function tellMachine() {
  if (machine.textContent || isTelling) return;
  isTelling = true;
  try {
    const status = await json("/v1/status");
    fill(machine, h("span.dot.good"), status.device === "cpu" ? "No GPU" : status.device_name);
    machine.title = [`Semblance ${status.version}`, status.device_name, ...status.fallbacks].join("\n");
  } catch {
    // The banner says it.
  } finally {
    isTelling = false;
  }
}

function tellJobs(jobs) {
  const count = jobs.filter((job) => !hasEnded(job)).length;
  busy.hidden = count === 0;
  say(busy, String(count));
  busy.setAttribute("aria-label", `${count} not ended`);
}
