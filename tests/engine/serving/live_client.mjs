// SPDX-License-Identifier: GPL-3.0-or-later
// live.js outside a browser: node live_client.mjs URL TOKEN; prints what it heard as JSON. Pictures are not decoded.
import { LiveSession } from "../../../engine/web/live.js";

const [url, token] = process.argv.slice(2);
globalThis.createImageBitmap = async (blob) => ({ bytes: blob.size, type: blob.type, close() {} });
globalThis.OffscreenCanvas = class {
  getContext() {
    return { drawImage() {} };
  }
  async convertToBlob() {
    return new Blob([Buffer.from(process.env.JPEG, "base64")]);
  }
};

const heard = { states: [], controls: [], pictures: [], sent: [] };
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
const until = async (holds) => {
  for (let turn = 0; turn < 1200 && !holds(); turn += 1) await pause(0.05);
};
const session = (source, into) =>
  new LiveSession({
    url,
    token,
    avatar: "me",
    source,
    onPicture: (bitmap, facts) => into.push({ ...facts, ...bitmap }),
    onState: (state) => heard.states.push(state),
  });

const sliders = session("controls", heard.controls);
heard.started = await sliders.connect();
sliders.setControls({ expression: { jawOpen: 1 } });
await until(() => heard.controls.some((each) => each.latency !== undefined));
heard.again = heard.controls.length;
sliders._socket.close(4429); // as if the connection had broken: it comes back by itself, and says its values anew
await until(() => heard.states.filter((each) => each.type === "started").length === 2);
await until(() => heard.controls.slice(heard.again).some((each) => each.latency !== undefined));
sliders.close();

const camera = session("pictures", heard.pictures);
await camera.connect();
heard.sent.push(await camera.sendPicture({ videoWidth: 640, videoHeight: 480 }));
heard.sent.push(await camera.sendPicture({ videoWidth: 640, videoHeight: 480 }));
await until(() => heard.pictures.length > 0);
camera.close();

heard.refused = await new LiveSession({ url, token: "wrong", avatar: "me" }).connect().catch((error) => ({
  code: error.code,
  sentence: error.message,
}));
await new Promise((resolve) => process.stdout.write(JSON.stringify(heard), resolve));
process.exit(0);
