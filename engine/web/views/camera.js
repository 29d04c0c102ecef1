// SPDX-License-Identifier: GPL-3.0-or-later
// A face in front of the browser's camera moves the avatar on the stage now.

import { token } from "../engine/token.js";
import { fill, freshId, h, say } from "../kit/dom.js";
import { problem } from "../kit/feedback.js";
import { icon } from "../kit/icons.js";
import { LiveSession } from "../live.js";
import { Recording } from "./recording.js";

const STATES = {
  looking: "Looking for a face",
  learning: "Learning your calm face: look at the camera",
  following: "Following you",
  lost: "No face is seen",
  easing: "No face is seen",
  resting: "At rest",
};
const SECONDS_BETWEEN_FIGURES = 0.5;
const REFUSED = {
  NotAllowedError: "The browser was not allowed to use the camera; allow it for this page, and start again.",
  NotFoundError: "There is no camera; connect one, and start again.",
  NotReadableError: "The camera is in use by another program; close that, and start again.",
};

/** What drives the avatar on a stage by the camera; `stop()` ends it. */
export function cameraPanel(avatar, stage, signal) {
  const view = new CameraView(avatar, stage);
  signal.addEventListener("abort", () => view.stop());
  return { element: view.element, stop: () => view.stop() };
}

class CameraView {
  constructor(avatar, stage) {
    this._avatar = avatar;
    this._stage = stage;
    this._video = h("video.self", { muted: true, playsinline: true, hidden: true, "aria-label": "What the camera sees" });
    this._state = h("p.live-state", { role: "status" });
    this._figures = h("p.figures", { "aria-label": "Rate and latency" });
    this._why = h("p.note");
    this._stages = h("dl.stages");
    this._more = h("details", { hidden: true }, h("summary", {}, "Where the time goes"), this._stages);
    this._said = h("div");
    this._start = h("button.primary", { type: "button", onclick: () => this.start() }, icon("camera"), "Start the camera");
    this._stop = h("button", { type: "button", hidden: true, onclick: () => this.stop() }, "Stop");
    this._recording = new Recording(avatar.id, () => this._stage.canvas);
    const id = freshId("cameras");
    this._cameras = h("select", { id, onchange: () => this._change() });
    this._choice = h("div.field", { hidden: true }, h("label", { for: id }, "Camera"), this._cameras);
    this.element = h(
      "div.live",
      {},
      h("p", {}, "Your face moves the avatar. Look at the camera with a calm face for the first three seconds."),
      h("div.live-line", {}, this._video, h("div", {}, this._state, this._figures)),
      this._choice,
      this._said,
      h("div.buttons", {}, this._start, this._stop, this._recording.buttons),
      this._why,
      this._recording.note,
      this._more,
      h("p.note", {}, "The camera’s pictures go to the engine that this page came from, and are not kept."),
    );
  }

  async start() {
    fill(this._said);
    this._start.disabled = true;
    try {
      await this._open(this._cameras.value);
      this._session = new LiveSession({
        token: token(),
        avatar: this._avatar.id,
        source: "pictures",
        background: "avatar",
        onPicture: (bitmap, facts) => this._show(bitmap, facts),
        onState: (state) => this._tell(state),
      });
      this._stage.hold((seen) => this._session?.setView(viewOf(seen)));
      this._mark(true);
      this._send();
      await this._session.connect();
    } catch (error) {
      if (this._isOn || !this._session) fill(this._said, problem(REFUSED[error.name] || error.message));
      this.stop();
    } finally {
      this._start.disabled = false;
    }
  }

  stop() {
    this._session?.close();
    this._session = null;
    for (const track of this._stream?.getTracks() || []) track.stop();
    this._stream = null;
    this._recording.stop();
    if (!this._isOn) return;
    this._mark(false);
    this._stage.release();
  }

  async _change() {
    if (this._isOn) await this._open(this._cameras.value).catch((error) => fill(this._said, problem(REFUSED[error.name] || error.message)));
  }

  /** Let the video element show a camera: the one that is named, else the one that faces the user. */
  async _open(camera) {
    if (!navigator.mediaDevices) {
      throw new Error("Browsers lend their camera to secure addresses only; open this page by https, or as localhost.");
    }
    for (const track of this._stream?.getTracks() || []) track.stop();
    const wanted = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
    const which = camera ? { deviceId: { exact: camera } } : { facingMode: "user" };
    this._stream = await navigator.mediaDevices.getUserMedia({ video: { ...wanted, ...which } });
    this._video.srcObject = this._stream;
    await this._video.play();
    await this._list();
  }

  async _list() {
    const cameras = (await navigator.mediaDevices.enumerateDevices()).filter((each) => each.kind === "videoinput");
    const used = this._stream.getVideoTracks()[0].getSettings().deviceId;
    fill(this._cameras, cameras.map((each, i) => h("option", { value: each.deviceId, selected: each.deviceId === used }, each.label || `Camera ${i + 1}`)));
    this._choice.hidden = cameras.length < 2;
  }

  /** Send each of the camera's pictures, as long as this session runs. */
  _send() {
    const session = this._session;
    const next = async () => {
      if (session !== this._session) return;
      await session.sendPicture(this._video).catch(() => false);
      if (this._video.requestVideoFrameCallback) this._video.requestVideoFrameCallback(next);
      else requestAnimationFrame(next);
    };
    next();
  }

  _mark(isOn) {
    this._isOn = isOn;
    this._start.hidden = isOn;
    this._stop.hidden = !isOn;
    this._video.hidden = !isOn;
    this._more.hidden = !isOn;
    this._recording.offer(isOn);
    this._times = [];
    if (!isOn) for (const each of [this._state, this._figures, this._why]) say(each, "");
  }

  _show(bitmap, facts) {
    if (!this._isOn) return bitmap.close();
    this._stage.show(bitmap);
    this._recording.picture();
    say(this._state, STATES[facts.state] || "");
    const now = performance.now() / 1000;
    this._times = [...this._times.filter(([time]) => now - time < 2), [now, facts.latency]];
    if (now - (this._told || 0) < SECONDS_BETWEEN_FIGURES) return;
    this._told = now;
    const rate = this._times.length / Math.max(0.5, now - this._times[0][0]);
    const late = this._times.map(([, latency]) => latency).filter((each) => each !== undefined).sort((a, b) => a - b);
    const middle = late.length ? ` · ${Math.round(late[late.length >> 1] * 1000)} ms from camera to picture` : "";
    say(this._figures, `${rate.toFixed(0)} pictures a second${middle}`);
    fill(this._stages, Object.entries(facts.stages).map(([name, spent]) => [h("dt", {}, name), h("dd", {}, `${(spent * 1000).toFixed(1)} ms`)]));
  }

  _tell(state) {
    if (state.type === "connecting") say(this._state, "Loading the avatar …");
    if (state.type === "started") say(this._state, STATES.looking);
    if (state.type === "reconnecting") say(this._state, `${state.detail} Connecting again …`);
    if (state.pace?.why !== undefined) say(this._why, state.pace.why || "");
    if (state.type === "ended" && this._isOn) {
      fill(this._said, state.code === 1000 ? null : problem(state.detail));
      this.stop();
    }
  }
}

/** A stage's view as a live session has it: degrees, and a factor of distance. */
function viewOf({ yaw, pitch, zoom }) {
  return { yaw: (yaw * 180) / Math.PI, pitch: (pitch * 180) / Math.PI, distance: 1 / zoom };
}
