// SPDX-License-Identifier: GPL-3.0-or-later
// Where the page does not know the engine's token.

import { keepToken } from "../engine/token.js";
import { freshId, h } from "../kit/dom.js";

/** Ask for the token; `go` is called when there is one. `wasWrong`: the one that was given is not the engine's. */
export function tokenView(go, wasWrong = false) {
  const id = freshId("token");
  const input = h("input", { id, type: "password", autocomplete: "off", spellcheck: "false", required: true });
  const take = (event) => {
    event.preventDefault();
    if (!input.value.trim()) return;
    keepToken(input.value);
    go();
  };
  return h(
    "section.narrow",
    {},
    h("h1", {}, wasWrong ? "That is not this engine’s token" : "Open this page by its token"),
    h(
      "p.lead",
      {},
      "The engine lets in only who knows its token. On its machine, ",
      h("code", {}, "semblance page"),
      " opens this page with it. From elsewhere, paste what the file ",
      h("code", {}, "token"),
      " in the engine’s home holds.",
    ),
    h(
      "form.panel",
      { onsubmit: take },
      h("label", { for: id }, "Token"),
      input,
      wasWrong ? h("p.problem", { role: "alert" }, "The engine refused the token. It may have been made anew.") : null,
      h("button.primary", { type: "submit" }, "Go on"),
      h("p.note", {}, "It is kept for this tab only, and forgotten when the tab is closed."),
    ),
  );
}
