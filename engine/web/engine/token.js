// SPDX-License-Identifier: GPL-3.0-or-later
// The token: it comes in the address's fragment, which browsers send to nobody, and stays for this tab's session.

const KEPT = "semblance-token";

/** Take the token out of the address, if it is there; afterwards the address does not show it. */
export function takeToken() {
  const found = /^#token=([^&]+)/.exec(location.hash);
  if (!found) return;
  keepToken(decodeURIComponent(found[1]));
  history.replaceState(null, "", location.pathname + location.search + "#/avatars");
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
