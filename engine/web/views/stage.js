// SPDX-License-Identifier: GPL-3.0-or-later
// The avatar's picture, posed by numbers: the newest pose wins, and heads in 3D turn under the hand.

import { asJson, at, blob } from "../engine/api.js";
import { watchConnection } from "../engine/connection.js";
import { h, say } from "../kit/dom.js";

const TURN = Math.PI; // a drag over the whole picture
const STEP = Math.PI / 36;
const MOST_YAW = 1.4;
const MOST_PITCH = 0.9;
const ZOOMS = [0.6, 3];
const STILL = 512;
const MOVING = 256;
const SECONDS_UNTIL_STILL = 0.25;

export class Stage {
  /** `name` is the avatar's; `turns`: it can be seen from all sides; `picture` is shown until it is painted. */
  constructor(name, turns, picture, signal) {
    this._name = name;
    this._turns = turns;
    this._signal = signal;
    this.pose = { expression: {}, rotation: [0, 0, 0], gaze: [0, 0] };
    this._view = { yaw: 0, pitch: 0, zoom: 1 };
    this._canvas = h("canvas", { width: 256, height: 256 });
    this._said = h("p.stage-said", { role: "status" }, "Loading the avatar …");
    this.element = h(
      "div.stage",
      {
        role: "img",
        "aria-label": turns ? `${name}, a head in 3D: turn it by the arrow keys, + and −` : name,
        tabindex: turns ? 0 : null,
        "data-turns": turns,
      },
      picture,
      this._canvas,
      this._said,
    );
    this._picture = picture;
    if (turns) this._listen();
    const stop = watchConnection(({ is }) => is === "there" && this._failed && this.draw());
    signal.addEventListener("abort", stop);
  }

  /** Have the avatar painted as it is posed now. */
  draw() {
    this._wanted = true;
    this._changed = performance.now();
    if (!this._isAsking) this._ask();
  }

  /** Look at a head in 3D from the front again. */
  face() {
    this._view = { yaw: 0, pitch: 0, zoom: 1 };
    this.draw();
  }

  /** Where the pictures are drawn. */
  get canvas() {
    return this._canvas;
  }

  /** Show pictures of a live session, by `show`, until `release`; posed ones wait. */
  hold(onView) {
    this._isHeld = true;
    this._onView = onView;
  }

  /** Show posed pictures again. */
  release() {
    this._isHeld = false;
    this._onView = null;
    this.draw();
  }

  /** Show a bitmap, and let go of it. */
  show(bitmap) {
    if (this._canvas.width !== bitmap.width || this._canvas.height !== bitmap.height) {
      this._canvas.width = bitmap.width;
      this._canvas.height = bitmap.height;
    }
    const context = this._canvas.getContext("2d");
    context.clearRect(0, 0, bitmap.width, bitmap.height);
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    this._hasPainted = true;
    this._picture?.remove();
  }

  async _ask() {
    this._isAsking = true;
    while (this._wanted && !this._signal.aborted) {
      this._wanted = false;
      await this._paint(this._turns && this._hasPainted ? MOVING : STILL);
      if (!this._wanted && this._turns) await this._paintStill();
    }
    this._isAsking = false;
  }

  /** Once nothing has moved for a moment, paint it finely. */
  async _paintStill() {
    const wait = SECONDS_UNTIL_STILL * 1000 - (performance.now() - this._changed);
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    if (!this._wanted && !this._failed) await this._paint(STILL);
  }

  async _paint(size) {
    const { yaw, pitch, zoom } = this._view;
    const asked = this._turns ? { ...this.pose, orbit: [pitch, yaw], zoom, size } : this.pose;
    try {
      const picture = await blob(at("avatars", this._name, "/picture"), asJson(asked, { signal: this._signal }));
      const bitmap = await createImageBitmap(picture);
      if (this._isHeld) bitmap.close();
      else this.show(bitmap);
      this._failed = false;
      say(this._said, "");
    } catch (error) {
      if (error.name === "AbortError") return;
      this._failed = true;
      say(this._said, error.code === 0 ? "" : error.message);
    }
  }

  _listen() {
    const stage = this.element;
    const fingers = new Map();
    let apart = 0;
    stage.addEventListener("pointerdown", (event) => {
      fingers.set(event.pointerId, event);
      stage.setPointerCapture(event.pointerId);
      apart = distance(fingers);
    });
    stage.addEventListener("pointermove", (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) return;
      fingers.set(event.pointerId, event);
      if (fingers.size === 1) {
        const side = stage.clientWidth || 1;
        this._turn((before.clientX - event.clientX) / side * TURN, (event.clientY - before.clientY) / side * TURN);
      } else {
        const now = distance(fingers);
        if (apart > 0) this._zoom(now / apart);
        apart = now;
      }
    });
    const lift = (event) => fingers.delete(event.pointerId);
    stage.addEventListener("pointerup", lift);
    stage.addEventListener("pointercancel", lift);
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      this._zoom(Math.exp(-event.deltaY / 600));
    }, { passive: false });
    stage.addEventListener("dblclick", () => this.face());
    stage.addEventListener("keydown", (event) => this._key(event));
  }

  _key(event) {
    const moves = {
      ArrowLeft: () => this._turn(STEP, 0),
      ArrowRight: () => this._turn(-STEP, 0),
      ArrowUp: () => this._turn(0, -STEP),
      ArrowDown: () => this._turn(0, STEP),
      "+": () => this._zoom(1.1),
      "=": () => this._zoom(1.1),
      "-": () => this._zoom(1 / 1.1),
      0: () => this.face(),
    };
    if (!moves[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    moves[event.key]();
  }

  _turn(yaw, pitch) {
    this._view.yaw = within(this._view.yaw + yaw, -MOST_YAW, MOST_YAW);
    this._view.pitch = within(this._view.pitch + pitch, -MOST_PITCH, MOST_PITCH);
    this._onView?.(this._view);
    this.draw();
  }

  _zoom(factor) {
    this._view.zoom = within(this._view.zoom * factor, ...ZOOMS);
    this._onView?.(this._view);
    this.draw();
  }
}

function within(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

function distance(fingers) {
  if (fingers.size !== 2) return 0;
  const [one, other] = fingers.values();
  return Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
}
