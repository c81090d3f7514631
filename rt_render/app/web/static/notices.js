/** What is said to the person: a banner while the link is down, a line for what was refused. */

import { byId, say } from "./dom.js";

const TOAST_MS = 6000;
let banner = 0;
let toast = 0;

export function sayLinkIsDown({ reason, waitMs }) {
  const untilMs = performance.now() + waitMs;
  const tell = () => {
    const seconds = Math.max(1, Math.round((untilMs - performance.now()) / 1000));
    say(byId("banner-text"), `${reason || "The connection to the renderer was lost; the sound does not depend on this page."} Trying again in ${seconds} s.`);
  };
  clearInterval(banner);
  tell();
  // Counting down aloud would be a nuisance: only a long wait is told again.
  banner = setInterval(tell, 5000);
  byId("banner").hidden = false;
  document.body.classList.add("down");
  byId("tracker-pill").dataset.health = "off";
  say(byId("tracker-short"), "not connected");
}

export function sayLinkIsUp() {
  clearInterval(banner);
  byId("banner").hidden = true;
  document.body.classList.remove("down");
}

export function sayBriefly(sentence) {
  const node = byId("toast");
  say(node, sentence);
  node.classList.add("shown");
  clearTimeout(toast);
  toast = setTimeout(() => {
    node.classList.remove("shown");
    node.textContent = "";
  }, TOAST_MS);
}
