/** From a movement to its sound: one number, and the parts that it is made of. */

import { byId, element, say } from "./dom.js";

/** From about here on listeners notice the delay. */
const NOTICED_MS = 60;
const LEAST_MS = 0.05;
const SHORT = { "sensor and transport": "tracker", "wait for the block": "wait" };

export function showBudget(budget, why = "no pose was heard yet") {
  const total = budget?.total;
  say(byId("motion"), total ? total.p50.toFixed(1) : "–");
  say(byId("motion-text"), total ? `95 % below ${total.p95.toFixed(1)} ms, worst ${total.worst.toFixed(1)}; listeners notice it from ${NOTICED_MS} on` : `${why[0].toUpperCase()}${why.slice(1)}.`);
  byId("motion").dataset.slow = String(Boolean(total && total.p50 > NOTICED_MS));
  const parts = Object.entries(budget?.parts ?? {}).filter(([, spread]) => spread.p50 >= LEAST_MS);
  const names = parts.map(([name]) => name).join("|");
  const [bar, legend] = [byId("parts"), byId("legend")];
  if (bar.dataset.names !== names) {
    bar.dataset.names = names;
    bar.replaceChildren(...parts.map((_, i) => element("span", { className: `part part-${i}` })));
    legend.replaceChildren(...parts.map(([name], i) => element("li", {}, element("span", { className: `dot part-${i}`, "aria-hidden": "true", textContent: i + 1 }), element("span", { textContent: SHORT[name] ?? name }), element("strong"))));
  }
  parts.forEach(([name, spread], i) => {
    bar.children[i].style.flexGrow = spread.p50;
    say(legend.children[i].lastChild, spread.p50.toFixed(1));
  });
}
