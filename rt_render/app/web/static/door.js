/** The token that lets a page in: from the address once, then kept for this tab alone. */

import { byId, say } from "./dom.js";

const KEPT = "rt-render-token";

/** Take the token out of the address, where it would be seen and bookmarked. */
export function takeToken() {
  const url = new URL(location.href);
  const given = url.searchParams.get("token") ?? new URLSearchParams(url.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(KEPT, given);
    url.searchParams.delete("token");
    url.hash = "";
    history.replaceState(null, "", url);
  }
  return sessionStorage.getItem(KEPT) ?? "";
}

/** Ask a person for the token; resolves to it. */
export function askForToken(wasGiven) {
  say(byId("token-text"), wasGiven ? "That token is not the right one. The program shows the right one where it was started." : "Type the token that the program shows where it was started.");
  const [dialog, form, field] = [byId("token-dialog"), byId("token-form"), byId("token")];
  dialog.oncancel = (event) => event.preventDefault();
  if (!dialog.open) dialog.showModal();
  field.value = "";
  field.focus();
  return new Promise((resolve) => {
    form.onsubmit = (event) => {
      event.preventDefault();
      sessionStorage.setItem(KEPT, field.value.trim());
      dialog.close();
      resolve(field.value.trim());
    };
  });
}
