// SPDX-License-Identifier: GPL-3.0-or-later
// The token: it comes in the address's fragment, which browsers send to nobody, and stays for this tab's session.

const KEPT = "semblance-token";

/** Take the token out of the address, which does not show it afterwards; returns whether there was one. */
export function takeToken() {
  const found = /^#token=([^&]+)/.exec(location.hash);
  if (!found) return false;
  history.replaceState(null, "", location.pathname + location.search + "#/avatars");
  keepToken(found[1].includes("%") ? unescaped(found[1]) : found[1]);
  return true;
}

function unescaped(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The token of this session; empty where there is none. */
export function token() {
  return sessionStorage.getItem(KEPT) || "";
}

/** Keep another token. */
export function keepToken(text) {
  sessionStorage.setItem(KEPT, text.trim());
}

/** Forget the token. */
export function forgetToken() {
  sessionStorage.removeItem(KEPT);
}
