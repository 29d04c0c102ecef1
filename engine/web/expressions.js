// SPDX-License-Identifier: GPL-3.0-or-later
// ARKit's 52 expressions: their order in every array, their places on the face, and faces made of them.

import { spaced } from "./kit/words.js";

const SIDED = {
  brow: ["Down", "OuterUp"],
  cheek: ["Squint"],
  eye: ["Blink", "LookDown", "LookIn", "LookOut", "LookUp", "Squint", "Wide"],
  mouth: ["Dimple", "Frown", "LowerDown", "Press", "Smile", "Stretch", "UpperUp"],
  nose: ["Sneer"],
};
const SINGLE = [
  "browInnerUp", "cheekPuff", "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose", "mouthFunnel", "mouthLeft",
  "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "tongueOut",
];

const pairs = Object.entries(SIDED).flatMap(([place, names]) => names.map((name) => place + name));

/** All names, in the order of every array: alphabetical. */
export const NAMES = [...SINGLE, ...pairs.flatMap((name) => [`${name}Left`, `${name}Right`])].sort(byLetters);

function byLetters(one, other) {
  return one < other ? -1 : 1;
}

const PLACES = [
  ["Mouth", /^mouth/],
  ["Jaw and tongue", /^(jaw|tongue)/],
  ["Eyes", /^eye(?!Look)/],
  ["Brows", /^brow/],
  ["Cheeks and nose", /^(cheek|nose)/],
];

/**
 * Sliders by place: [[title, [{label, names}]]]. Of a pair both sides move together unless `apart`. Where the eyes look
 * is set by the gaze instead.
 */
export function places(apart) {
  return PLACES.map(([title, pattern]) => {
    const single = SINGLE.filter((name) => pattern.test(name)).map((name) => ({ label: labelOf(name), names: [name] }));
    const paired = pairs.filter((name) => pattern.test(name)).flatMap((name) => sides(name, apart));
    return [title, [...paired, ...single]];
  });
}

function sides(name, apart) {
  const [left, right] = [`${name}Left`, `${name}Right`];
  if (!apart) return [{ label: labelOf(name), names: [left, right] }];
  return [
    { label: `${labelOf(name)}, left`, names: [left] },
    { label: `${labelOf(name)}, right`, names: [right] },
  ];
}

/** "mouthUpperUp" as "Upper up": the place is the group's title. */
function labelOf(name) {
  const words = name.replace(/^(mouth|jaw|eye|brow)/, "");
  return spaced(words[0].toLowerCase() + words.slice(1));
}

/** Faces to begin with. */
export const FACES = {
  Smile: { mouthSmileLeft: 0.8, mouthSmileRight: 0.8, cheekSquintLeft: 0.4, cheekSquintRight: 0.4, eyeSquintLeft: 0.2, eyeSquintRight: 0.2 },
  Surprise: { browInnerUp: 0.8, browOuterUpLeft: 0.7, browOuterUpRight: 0.7, eyeWideLeft: 0.6, eyeWideRight: 0.6, jawOpen: 0.35 },
  Frown: { browDownLeft: 0.8, browDownRight: 0.8, mouthFrownLeft: 0.6, mouthFrownRight: 0.6, mouthPressLeft: 0.3, mouthPressRight: 0.3 },
  "Oh": { jawOpen: 0.25, mouthFunnel: 0.6, mouthPucker: 0.3 },
  Wink: { eyeBlinkLeft: 1, mouthSmileLeft: 0.5, cheekSquintLeft: 0.4 },
};
