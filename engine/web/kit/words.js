// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers in words.

/** A span of time as people say it: "4 min left" is `duration(240) + " left"`. */
export function duration(seconds) {
  if (seconds < 10) return "a few seconds";
  if (seconds < 60) return `${Math.ceil(seconds / 10) * 10} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
}

/** How many bytes, as people say it. */
export function size(bytes) {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** A moment (seconds since 1970) as a day and a time. */
export function moment(seconds) {
  const date = new Date(seconds * 1000);
  const isToday = date.toDateString() === new Date().toDateString();
  const time = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return isToday ? `today, ${time}` : `${date.toLocaleDateString([], { dateStyle: "medium" })}, ${time}`;
}

/** A path's last part without its suffix: what people call it. */
export function stem(path) {
  const name = fileName(path);
  return name.replace(/\.[A-Za-z0-9]{1,12}$/, "") || name;
}

/** A path's last part. */
export function fileName(path) {
  return String(path).split(/[\\/]/).filter(Boolean).pop() || String(path);
}

/** "browOuterUpLeft" as "Brow outer up left". */
export function spaced(name) {
  const words = name.replace(/([A-Z])/g, " $1").toLowerCase().trim();
  return words[0].toUpperCase() + words.slice(1);
}

const NAMED = /^[\p{L}\p{N}_][\p{L}\p{N}\p{M}_ .-]*$/u;

/** Whether the engine's home takes this as a name. */
export function isName(text) {
  return text.length <= 100 && NAMED.test(text);
}

/** The nearest name that the engine's home takes; "Avatar" where nothing is left. */
export function asName(text) {
  const kept = text.normalize("NFC").replace(/[^\p{L}\p{N}\p{M}_ .-]+/gu, " ").replace(/^[^\p{L}\p{N}_]+/u, "");
  return kept.replace(/\s+/g, " ").trim().slice(0, 60) || "Avatar";
}

/** A name that is not among those taken: "Ada", "Ada 2", "Ada 3". */
export function untaken(name, taken) {
  if (!taken.has(name)) return name;
  let number = 2;
  while (taken.has(`${name} ${number}`)) number += 1;
  return `${name} ${number}`;
}
