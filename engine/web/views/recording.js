// SPDX-License-Identifier: GPL-3.0-or-later
// What is seen on the stage, recorded by the browser. Such a film is not signed: it says in the picture what it is.

import { keep } from "../engine/download.js";
import { h, say } from "../kit/dom.js";

const RATE = 30;
const BITS = 6_000_000;
const TYPES = ["video/mp4;codecs=avc1.640028", "video/mp4", "video/webm;codecs=vp9", "video/webm"];
const LABEL = "Synthetic";

export class Recording {
  /** `source()` is the canvas that is recorded. */
  constructor(name, source) {
    this._name = name;
    this._source = source;
    this._canvas = h("canvas");
    this._button = h("button", { type: "button", hidden: true, onclick: () => (this.isOn ? this.stop() : this._start()) }, "Record");
    this.buttons = this._button;
    this.note = h("p.note", { role: "status" });
  }

  get isOn() {
    return Boolean(this._recorder);
  }

  /** Show or hide the button. */
  offer(isOffered) {
    this._button.hidden = !isOffered || !self.MediaRecorder;
  }

  /** The stage shows another picture. */
  picture() {
    if (!this.isOn) return;
    const source = this._source();
    const context = this._canvas.getContext("2d");
    context.fillStyle = "#000";
    context.fillRect(0, 0, this._canvas.width, this._canvas.height);
    context.drawImage(source, 0, 0, this._canvas.width, this._canvas.height);
    label(context, this._canvas.height);
  }

  /** End the recording; the browser keeps it among its downloads. */
  stop() {
    this._recorder?.stop();
  }

  _start() {
    const { width, height } = this._source();
    Object.assign(this._canvas, { width, height });
    const type = TYPES.find((each) => MediaRecorder.isTypeSupported(each));
    const stream = this._canvas.captureStream(RATE);
    const recorder = new MediaRecorder(stream, { mimeType: type, videoBitsPerSecond: BITS });
    const pieces = [];
    recorder.ondataavailable = ({ data }) => data.size && pieces.push(data);
    recorder.onstop = () => {
      for (const track of stream.getTracks()) track.stop();
      this._recorder = null;
      this._mark("Record", "The recording is among your downloads. Its pictures say that they are synthetic; for a film with Content Credentials, use “Film”.");
      const ending = recorder.mimeType.includes("mp4") ? "mp4" : "webm";
      keep(new Blob(pieces, { type: recorder.mimeType }), `${this._name} live.${ending}`);
    };
    this._recorder = recorder;
    this.picture();
    recorder.start(1000);
    this._mark("Stop recording", "Recording …");
  }

  _mark(words, note) {
    say(this._button, words);
    say(this.note, note);
    this._button.classList.toggle("recording", this.isOn);
  }
}

/** Write what it is into the lower left corner. */
function label(context, height) {
  const letters = Math.max(10, Math.round(height * 0.04));
  context.font = `600 ${letters}px sans-serif`;
  context.textBaseline = "bottom";
  context.lineWidth = letters / 5;
  context.strokeStyle = "rgb(0 0 0 / 0.7)";
  context.fillStyle = "#fff";
  context.strokeText(LABEL, letters * 0.7, height - letters * 0.6);
  context.fillText(LABEL, letters * 0.7, height - letters * 0.6);
}
