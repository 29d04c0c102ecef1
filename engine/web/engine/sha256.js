// SPDX-License-Identifier: GPL-3.0-or-later
// SHA-256 (FIPS 180-4) piece by piece: the browser's own wants a whole file in memory, and a secure address.

const BLOCK = 64;
const ROUND = Uint32Array.from(roundConstants());

/** A hash that bytes are added to. */
export class Sha256 {
  constructor() {
    this._state = Uint32Array.from(firstState());
    this._words = new Uint32Array(BLOCK);
    this._rest = new Uint8Array(BLOCK);
    this._held = 0;
    this._length = 0;
  }

  /** Add bytes (Uint8Array). */
  add(bytes) {
    this._length += bytes.length;
    let at = 0;
    if (this._held) {
      at = Math.min(BLOCK - this._held, bytes.length);
      this._rest.set(bytes.subarray(0, at), this._held);
      this._held += at;
      if (this._held < BLOCK) return this;
      this._block(this._rest, 0);
      this._held = 0;
    }
    for (; at + BLOCK <= bytes.length; at += BLOCK) this._block(bytes, at);
    this._rest.set(bytes.subarray(at));
    this._held = bytes.length - at;
    return this;
  }

  /** The hash as 64 hexadecimal letters; nothing may be added afterwards. */
  hex() {
    const bits = this._length * 8;
    const padding = new Uint8Array(((this._held < 56 ? 56 : 120) - this._held) + 8);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(padding.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(padding.length - 4, bits >>> 0);
    this.add(padding);
    return [...this._state].map((word) => word.toString(16).padStart(8, "0")).join("");
  }

  _block(bytes, at) {
    const w = this._words;
    for (let i = 0; i < 16; i += 1, at += 4) {
      w[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    }
    for (let i = 16; i < BLOCK; i += 1) {
      const x = w[i - 15];
      const y = w[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    const state = this._state;
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < BLOCK; i += 1) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[i] + w[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + t1) | 0;
      d = c; c = b; b = a; a = (t1 + t2) | 0;
    }
    state[0] += a; state[1] += b; state[2] += c; state[3] += d;
    state[4] += e; state[5] += f; state[6] += g; state[7] += h;
  }
}

/** The first numbers that are prime. */
function primes(count) {
  const found = [];
  for (let n = 2; found.length < count; n += 1) if (found.every((p) => n % p)) found.push(n);
  return found;
}

/** The first 32 bits behind the point of a root of a prime, exactly: by whole numbers alone. */
function fraction(prime, power) {
  const wanted = BigInt(prime) << BigInt(32 * power);
  let root = BigInt(Math.floor(prime ** (1 / power) * 2 ** 32));
  while (root ** BigInt(power) > wanted) root -= 1n;
  while ((root + 1n) ** BigInt(power) <= wanted) root += 1n;
  return Number(root & 0xffffffffn);
}

function roundConstants() {
  return primes(64).map((prime) => fraction(prime, 3));
}

function firstState() {
  return primes(8).map((prime) => fraction(prime, 2));
}
