// SPDX-License-Identifier: GPL-3.0-or-later
// What can be chosen for a new avatar (`protocol.choices` and `protocol.jobs` are the engine's side of it).

export const KINDS = {
  portrait: {
    title: "Portrait",
    words: "The whole picture with body and backdrop, seen from the footage’s camera.",
  },
  splats: {
    title: "Head in 3D",
    words: "Head and hair, seen from any angle; built in minutes.",
  },
};

export const PRESETS = {
  preview: { title: "Preview", size: 256, words: "256 pixels. Minutes on any computer." },
  standard: { title: "Standard", size: 512, words: "512 pixels. Wants a CUDA GPU." },
  final: { title: "Final", size: 1024, words: "1024 pixels. Wants a CUDA GPU, and up to two hours." },
};

/** What the person shown may have agreed to, to begin with. */
export const CONSENTS = [
  ["It is me", "I am the person shown, and I agree to an avatar being made of me."],
  ["They agreed", "The person shown agreed to an avatar being made of them."],
  ["Public domain", "The footage is in the public domain."],
];

export const VIDEOS = ["mp4", "mov", "m4v", "webm", "mkv", "avi", "mts", "ts", "mpg", "mpeg"];
export const PHOTOS = ["jpg", "jpeg", "png", "webp", "heic", "heif", "tif", "tiff", "bmp"];

/** "video", "photo" or "" by a file's type and name. */
export function mediumOf(file) {
  const ending = file.name.split(".").pop().toLowerCase();
  if (VIDEOS.includes(ending) || file.type.startsWith("video/")) return "video";
  if (PHOTOS.includes(ending) || file.type.startsWith("image/")) return "photo";
  return "";
}

/** What a file input is to offer, for endings. */
export function accepting(...endings) {
  return endings.flat().map((each) => `.${each}`).join(",");
}
