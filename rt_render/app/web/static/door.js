/** The token that lets a page in: from the address once, then kept by this browser until it is turned away. */

import { byId, say } from "./dom.js";

const KEPT = "rt-render-token";
let tried = "";

const kept = () => localStorage.getItem(KEPT) ?? "";
const keep = (token) => localStorage.setItem(KEPT, token);

/** Take the token out of the address, where it would be seen; a bookmark without it opens what this browser keeps. */
export function takeToken() {
  const url = new URL(location.href);
  const given = url.searchParams.get("token") ?? new URLSearchParams(url.hash.slice(1)).get("token");
  if (given) {
    keep(given);
    url.searchParams.delete("token");
    url.hash = "";
    history.replaceState(null, "", url);
  }
  tried = kept();
  return tried;
}

/** The token to try after one was turned away, which is forgotten; resolves once there is one. */
export async function anotherToken() {
  // Another tab may have come in with a newer one.
  if (kept() && kept() !== tried) tried = kept();
  else tried = await askForToken();
  return tried;
}

function askForToken() {
  localStorage.removeItem(KEPT);
  say(byId("token-text"), tried ? "That token is not the right one. The program shows the right one where it was started." : "Type the token that the program shows where it was started.");
  const [dialog, form, field] = [byId("token-dialog"), byId("token-form"), byId("token")];
  dialog.oncancel = (event) => event.preventDefault();
  if (!dialog.open) dialog.showModal();
  field.value = "";
  field.focus();
  return new Promise((resolve) => {
    form.onsubmit = (event) => {
      event.preventDefault();
      keep(field.value.trim());
      dialog.close();
      resolve(field.value.trim());
    };
  });
}
