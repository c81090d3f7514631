/** Single keys, the same as in the terminal. */

import { byId, element } from "./dom.js";

const KEPT = "rt-render-keys";
const SAME = { "=": "+", _: "-", "−": "-" };

/** `table`: rows of a key or several, how they are shown, what they are for, and the act, which gets the key. */
export function listenToKeys(table) {
  const on = byId("keys-on");
  on.checked = localStorage.getItem(KEPT) !== "off";
  on.onchange = () => localStorage.setItem(KEPT, on.checked ? "on" : "off");
  const help = () => byId("keys-dialog").showModal();
  const rows = [...table, ["?", "?", "this help", help]];
  byId("keys-list").replaceChildren(...rows.map(([, shown, about]) => element("div", {}, element("dt", {}, element("kbd", { textContent: shown })), element("dd", { textContent: about }))));
  byId("help").onclick = help;
  addEventListener("keydown", (event) => {
    if (!on.checked || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const key = (SAME[event.key] ?? event.key).toLowerCase();
    const target = event.target;
    if (target.matches("input:not([type=range], [type=radio], [type=checkbox]), select, textarea")) return;
    // A focused button or card has the space bar for itself.
    if (key === " " && target.matches("button, a, input, summary")) return;
    const row = key.length === 1 && rows.find(([known]) => known.includes(key));
    if (!row) return;
    event.preventDefault();
    row[3](key);
  });
}
