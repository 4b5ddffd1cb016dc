// The page's keys: who acts on one asks here which it is, and the sheet that "?" opens lists the
// same. A key of several places ("ArrowLeft") stands with each of its doings.

import { put, t } from "./language.js";

/** Where the arrow keys point. */
export const ARROWS = { ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowRight: [1, 0], ArrowDown: [0, 1] };
const KEYS = {
  sheet: ["?", "؟", "？"], // on Arabic and on Chinese keyboards too
  close: ["Escape"],
  tabs: ["ArrowLeft", "ArrowRight"],
  zoomIn: ["+", "="],
  zoomOut: ["-"],
  fit: ["0"],
  pan: Object.keys(ARROWS),
  slide: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"],
  hideMove: Object.keys(ARROWS),
  hideSize: Object.keys(ARROWS), // with Shift
  hideAway: ["Escape"],
  callNormal: ["n"],
  callPneumonia: ["p"],
};
const SHIFTED = ["hideSize"];
const SIGNS = { ArrowLeft: "←", ArrowUp: "↑", ArrowRight: "→", ArrowDown: "↓", Escape: "Esc" };
Object.assign(SIGNS, { PageUp: "Page ↑", PageDown: "Page ↓" });

/** An action's keys as they are shown. */
const signs = (action) => [
  ...(SHIFTED.includes(action) ? ["Shift"] : []),
  ...KEYS[action].map((key) => SIGNS[key] ?? (key.length > 1 ? key : key.toUpperCase())),
];

/** What the keys of those actions do, in words. */
export const keysOf = (actions) =>
  actions.map((action) => `${signs(action).join(" ")}: ${t(`keys.${action}`)}.`).join(" ");

/** Whether that key is one of an action's, alone or with Shift. */
export const pressed = (event, action) =>
  !event.ctrlKey && !event.metaKey && !event.altKey &&
  KEYS[action].some((key) => key === event.key || key === event.key.toLowerCase()) &&
  (!SHIFTED.includes(action) || event.shiftKey);

function kbd(text) {
  return Object.assign(document.createElement("kbd"), { textContent: text, dir: "ltr" });
}

function open(dialog) {
  const rows = Object.keys(KEYS).map((action) => {
    const row = document.createElement("tr");
    const cell = document.createElement("th");
    cell.scope = "row";
    cell.append(...signs(action).map(kbd));
    row.append(cell, put(document.createElement("td"), { t: `keys.${action}` }));
    return row;
  });
  dialog.querySelector("tbody").replaceChildren(...rows);
  dialog.showModal();
}

const WRITES = "textarea, select, [contenteditable=true], input:not([type=range], [type=checkbox], [type=radio], [type=file])";

document.addEventListener("keydown", (event) => {
  const dialog = document.querySelector("dialog.keys");
  if (!dialog || !pressed(event, "sheet") || event.target.closest?.(WRITES)) return;
  if (document.querySelector("dialog[open]")) return; // the notice, the quiz, or this one
  event.preventDefault();
  open(dialog);
});
document.addEventListener("click", ({ target }) => {
  if (target.closest?.(".keys-open")) open(document.querySelector("dialog.keys"));
});
