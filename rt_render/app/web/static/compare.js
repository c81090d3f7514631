/** The cards of the A/B comparison: one is heard, a touch changes to another. */

import { byId, element, say } from "./dom.js";

export class Compare {
  #ask;
  #drawn = "";
  #slots = [];
  #active = null;

  constructor(ask) {
    this.#ask = ask;
  }

  show(compare) {
    const slots = (compare?.slots ?? []).map((slot) => (typeof slot === "string" ? { name: slot } : slot));
    byId("compare").hidden = !slots.length;
    const drawn = JSON.stringify([slots, compare?.blind]);
    if (drawn !== this.#drawn) {
      this.#drawn = drawn;
      this.#slots = slots;
      byId("slots").replaceChildren(...slots.map((slot, i) => this.#card(slot, i, compare.blind)));
    }
    this.#active = compare?.active ?? null;
    byId("slots").querySelectorAll("input").forEach((input) => (input.checked = input.value === this.#active));
    say(byId("compare-title"), compare?.blind ? "Compare, blind" : "Compare");
  }

  /** Listen to the slot with a number from 0 on, or to the one after that which is heard. */
  choose(number = (this.#slots.findIndex((slot) => slot.name === this.#active) + 1) % Math.max(1, this.#slots.length)) {
    const slot = this.#slots[number];
    if (slot) this.#change(slot.name);
  }

  /** Ask for a version, and count on from it at once: the next key may come before the renderer has answered. */
  #change(name) {
    this.#active = name;
    this.#ask("compare", name);
  }

  #card(slot, i, blind) {
    const input = element("input", { type: "radio", name: "compare", value: slot.name });
    input.onchange = () => this.#change(slot.name);
    const letter = String.fromCharCode(65 + i);
    const mark = element("span", { className: "letter", "aria-hidden": "true", textContent: blind ? slot.name : letter });
    const name = element("span", { className: "name", textContent: blind ? `Version ${slot.name}` : (slot.title ?? slot.name) });
    const about = element("span", { className: "about", textContent: slot.about ?? "" });
    return element("label", { className: "version" }, input, mark, element("span", { className: "words" }, name, about));
  }
}
