/** Light or dark: the system's wish, until a person chooses. */

import { byId } from "./dom.js";

const KEPT = "rt-render-theme";
const light = matchMedia("(prefers-color-scheme: light)");

export function followTheme(changed) {
  const apply = () => {
    document.documentElement.dataset.theme = localStorage.getItem(KEPT) ?? (light.matches ? "light" : "dark");
    changed();
  };
  byId("theme").onclick = () => {
    localStorage.setItem(KEPT, document.documentElement.dataset.theme === "dark" ? "light" : "dark");
    apply();
  };
  light.addEventListener("change", apply);
  apply();
}
