// SPDX-License-Identifier: GPL-3.0-or-later
// A live session with the engine over its WebSocket (docs/developers.md, "The live door"). No dependencies.
//
//   const session = new LiveSession({ token, avatar: "me", source: "pictures", onPicture, onState });
//   await session.connect();
//   video.requestVideoFrameCallback(function next() {
//     session.sendPicture(video);
//     video.requestVideoFrameCallback(next);
//   });

const VERSION = 1;
const CAMERA_PICTURE = 1;
const AVATAR_PICTURE = 2;
const CAMERA_HEADER = 16;
const AVATAR_HEADER = 40;
const TYPES = { 1: "image/jpeg", 2: "image/webp" };
const STATES = ["looking", "learning", "following", "lost", "easing", "resting"];
const STAGES = ["receive", "face", "solve", "draw", "paint", "background", "encode", "inside"];
/** Camera pictures that may be on their way; one more would only wait in the network. */
const MOST_ON_THE_WAY = 2;
/** Seconds after which a picture that was never acknowledged counts as lost. */
const GIVEN_UP = 3;
const FIRST_PAUSE = 0.5;
const LONGEST_PAUSE = 8;
/** Close codes after which connecting again can help: the engine left or stopped, or the connection broke. */
const PASSING = new Set([1001, 1005, 1006, 1011, 1012, 1013, 4429]);
/** What `set` changes, and what is said again after a reconnection. */
const SETTINGS = ["view", "look", "background", "size", "rate", "show_driver"];

/** The address of the live door of the engine that served this page. */
export function addressHere() {
  return `${location.origin.replace(/^http/, "ws")}/v1/live`;
}

/** An error with the close code of the session and the engine's sentence. */
export class LiveError extends Error {
  constructor(code, sentence) {
    super(sentence);
    this.name = "LiveError";
    this.code = code;
  }
}

export class LiveSession {
  /**
   * @param {object} options
   *   token, avatar: as the engine knows them.
   *   url: of the door; that of the page's own engine when absent.
   *   source: "pictures" (sendPicture), "controls" (setControls), and on the engine's own machine "camera" (with
   *     `camera`, its number), "stream" (`stream`, a path) or "live-link" (`port`).
   *   size, rate: longer side in pixels, and pictures a second, at most. look, view, background, show_driver.
   *   onPicture(bitmap, facts): an ImageBitmap, and {number, time, state, width, height, stages, latency}; latency is
   *     in seconds by this page's clock, from the camera picture or the controls to now; undefined for other sources.
   *     The callback owns the bitmap and closes it.
   *   onState(state): {type: "connecting" | "started" | "state" | "reconnecting" | "ended", ...what the engine said}.
   */
  constructor({ url, onPicture = () => {}, onState = () => {}, ...start }) {
    this._url = url || addressHere();
    this._onPicture = onPicture;
    this._onState = onState;
    this._start = { source: "pictures", ...start };
    this._controls = {};
    this._shownTime = 0;
    this._sending = { side: 640, quality: 0.8, rate: 30 };
    this._number = 0;
    this._onTheWay = new Map();
    this._lastSent = -Infinity;
    this._newest = 0;
    this._pause = FIRST_PAUSE;
    this._closed = false;
    this._isDrawing = false;
  }

  /** Whether the session runs. */
  get isStarted() {
    return Boolean(this._isStarted);
  }

  /** Open the session; resolves with what the engine says of it, rejects with a LiveError. */
  connect() {
    this._closed = false;
    return new Promise((resolve, reject) => this._open(resolve, reject));
  }

  /** End the session. */
  close() {
    this._closed = true;
    clearTimeout(this._timer);
    if (this._socket && this._socket.readyState <= 1) this._socket.close(1000);
  }

  /**
   * Send what a video element (or canvas, or ImageBitmap) shows now; returns whether it was sent. A picture that would
   * have to wait is left out: the next one is newer.
   */
  async sendPicture(video) {
    const now = seconds();
    if (!this.isStarted || this._isDrawing || !this._hasRoom(now)) return false;
    const width = video.videoWidth || video.width;
    const height = video.videoHeight || video.height;
    if (!width || !height) return false;
    const socket = this._socket;
    this._isDrawing = true;
    let picture;
    try {
      picture = await this._asJpeg(video, width, height);
    } finally {
      this._isDrawing = false;
    }
    if (!picture || socket !== this._socket || socket.readyState !== 1) return false;
    this._number += 1;
    socket.send(withHeader(this._number, now, picture));
    this._onTheWay.set(this._number, now);
    this._lastSent = now;
    return true;
  }

  /**
   * Drive the avatar of a session with the source "controls": {expression: {jawOpen: 0.5, ...}, rotation: [pitch, yaw,
   * roll] in degrees, translation: [x, y, z] in metres, gaze: [[pitch, yaw], [pitch, yaw]] in degrees, left eye first}.
   * All are changes from the avatar's rest; what is not named stays as it was.
   */
  setControls(controls) {
    const expression = { ...this._controls.expression, ...controls.expression };
    this._controls = { ...this._controls, ...controls, expression };
    this._say({ type: "controls", time: seconds(), ...controls });
  }

  /** Turn the camera about the head, for avatars that are seen from all sides: degrees, and a factor of distance. */
  setView(view) {
    this.set({ view: { ...this._start.view, ...view } });
  }

  /** Change any of view, look, background, size, rate and show_driver on the way. */
  set(changes) {
    for (const name of SETTINGS) if (name in changes) this._start[name] = changes[name];
    this._say({ type: "set", ...changes });
  }

  _open(resolve, reject) {
    this._onState({ type: "connecting" });
    const socket = new WebSocket(this._url);
    socket.binaryType = "arraybuffer";
    this._socket = socket;
    this._isStarted = false;
    this._onTheWay.clear();
    let ended = null;
    socket.onopen = () => socket.send(JSON.stringify({ type: "start", ...this._start }));
    socket.onmessage = ({ data }) => {
      if (typeof data !== "string") return this._show(socket, data);
      const said = JSON.parse(data);
      if (said.type === "started") {
        this._begin();
        resolve(said);
      }
      if (said.type === "got") this._onTheWay.delete(said.number);
      if (said.type === "ended") ended = said;
      if (said.send) this._sending = said.send;
      if (said.type === "started" || said.type === "state") this._onState(said);
    };
    socket.onclose = ({ code, reason }) => {
      if (socket !== this._socket) return;
      const wasStarted = this._isStarted;
      this._isStarted = false;
      const sentence = (ended && ended.detail) || reason || "The connection to the engine is closed.";
      const again = !this._closed && PASSING.has(code) && (wasStarted || this._hasBegun);
      if (again) {
        this._onState({ type: "reconnecting", code, detail: sentence, seconds: this._pause });
        this._timer = setTimeout(() => this._open(resolve, reject), 1000 * this._pause);
        this._pause = Math.min(2 * this._pause, LONGEST_PAUSE);
        return;
      }
      this._onState({ type: "ended", code, detail: sentence });
      reject(new LiveError(code, sentence));
    };
  }

  _begin() {
    this._isStarted = true;
    this._hasBegun = true;
    this._newest = 0;
    this._pause = FIRST_PAUSE;
    if (Object.keys(this._controls).length) this._say({ type: "controls", time: seconds(), ...this._controls });
  }

  _say(message) {
    if (this.isStarted && this._socket.readyState === 1) this._socket.send(JSON.stringify(message));
  }

  _hasRoom(now) {
    for (const [number, sent] of this._onTheWay) if (now - sent > GIVEN_UP) this._onTheWay.delete(number);
    const due = this._lastSent + 0.8 / this._sending.rate;
    return now >= due && this._onTheWay.size < MOST_ON_THE_WAY && this._socket.bufferedAmount === 0;
  }

  async _asJpeg(video, width, height) {
    const scale = Math.min(1, this._sending.side / Math.max(width, height));
    const canvas = this._canvas || (this._canvas = new OffscreenCanvas(1, 1));
    canvas.width = Math.max(1, Math.round(scale * width));
    canvas.height = Math.max(1, Math.round(scale * height));
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: this._sending.quality });
    return blob.arrayBuffer();
  }

  async _show(socket, data) {
    const read = withoutHeader(data);
    if (!read) return;
    const { facts, picture } = read;
    this._newest = facts.number;
    const bitmap = await createImageBitmap(picture).catch(() => null);
    if (socket !== this._socket || facts.number < this._newest) {
      bitmap?.close();
    } else if (bitmap) {
      const isNews = facts.time > 0 && facts.time !== this._shownTime; // pictures that follow may show the same
      this._shownTime = facts.time;
      facts.latency = this._isDrivenHere && isNews ? seconds() - facts.time : undefined;
      this._onPicture(bitmap, facts);
    }
    if (socket === this._socket) this._say({ type: "seen", number: facts.number });
  }

  get _isDrivenHere() {
    return this._start.source === "pictures" || this._start.source === "controls";
  }
}

/** Seconds by this page's clock, which never goes back. */
export function seconds() {
  return performance.now() / 1000;
}

/** A camera picture (JPEG) as the engine takes it: its number and time before it. */
export function withHeader(number, time, picture) {
  const bytes = new Uint8Array(CAMERA_HEADER + picture.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  view.setUint8(1, CAMERA_PICTURE);
  view.setUint32(4, number);
  view.setFloat64(8, time);
  bytes.set(new Uint8Array(picture), CAMERA_HEADER);
  return bytes;
}

/** What a message of the engine shows: {facts, picture: Blob}; null where it is no avatar's picture. */
export function withoutHeader(data) {
  if (data.byteLength < AVATAR_HEADER) return null;
  const view = new DataView(data);
  if (view.getUint8(0) !== VERSION || view.getUint8(1) !== AVATAR_PICTURE) return null;
  const stages = {};
  STAGES.forEach((name, index) => (stages[name] = view.getUint16(24 + 2 * index) / 10000));
  const facts = {
    state: STATES[view.getUint8(3)],
    number: view.getUint32(4),
    time: view.getFloat64(8),
    shows: view.getUint32(16),
    width: view.getUint16(20),
    height: view.getUint16(22),
    stages,
  };
  return { facts, picture: new Blob([new Uint8Array(data, AVATAR_HEADER)], { type: TYPES[view.getUint8(2)] }) };
}
