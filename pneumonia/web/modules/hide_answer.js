// What the models say once a part of the film is hidden: the server is asked when the box rests, and
// the answer stands beside each verdict, in words and then in numbers. hide_box.js draws the box.

import { put, t } from "./language.js";
import { Turns } from "./turns.js";
import { filmOf, logOdds, weigh } from "./verdict.js";

const REST = 300; // ms for which a box has to stay where it is
let turn = 0; // of the question; answers to earlier ones are dropped
let viewer = null; // whose film is asked about
let asked = ""; // name of that view, which the next film's differs from

const nameOf = (root) => root.querySelector(".viewer-keys").id;
const rows = (root) => root.closest(".result")?.querySelectorAll("[data-without]") ?? [];

/** The line below the tools: how to draw, or what there is to say of the place. */
function note(root, text) {
  put(root.querySelector(".viewer-hint"), text);
}

function forget(root) {
  for (const row of rows(root)) row.hidden = true;
}

/** For the component that asks; page.js calls it. */
export function hiding({ props, trigger, watch }) {
  let timer;
  const turns = new Turns("hidden", () => note(viewer, { t: "hide.help" }));
  turns.send = (question) => trigger("select", question);
  document.addEventListener("hide", ({ target, detail: box }) => {
    clearTimeout(timer);
    turn += 1;
    [viewer, asked] = [target, nameOf(target)];
    note(viewer, { t: box ? "hide.asking" : "hide.help" });
    if (!box) return forget(viewer);
    timer = setTimeout(() => turns.ask({ film: filmOf(viewer), turn, box }), REST);
  });
  watch("value", () => {
    const told = JSON.parse(props.value || "{}");
    if (told.turn !== turn || !viewer?.isConnected || nameOf(viewer) !== asked) return;
    show(told);
  });
}

function show({ models, note: said }) {
  note(viewer, said ?? { t: "hide.help" });
  if (!models) forget(viewer);
  for (const row of models ? rows(viewer) : []) {
    if (!models[row.dataset.without]) continue; // others were chosen meanwhile
    const [before, after, key] = models[row.dataset.without];
    put(row.querySelector("span"), { t: key });
    const numbers = row.querySelectorAll("[data-log-odds]");
    [before, after].forEach((share, i) => {
      numbers[i].dataset.logOdds = logOdds(Math.min(Math.max(share, 1e-9), 1 - 1e-9));
    });
    row.hidden = false;
  }
  weigh();
  if (models && innerWidth <= 700) { // a phone, where the verdicts may be below the fold
    rows(viewer)[0].closest("ul").scrollIntoView({ block: "nearest" });
  }
  announce(said);
}

/** A screen reader hears it: the place, then each model in words and numbers. */
function announce(said) {
  const words = [...rows(viewer)].filter((row) => !row.hidden).map((row) => {
    const [before, after] = [...row.querySelectorAll("[data-log-odds]")].map((n) => n.textContent);
    const model = row.closest("li").querySelector(".model").textContent;
    return t("hide.said", { model, says: row.querySelector("span").textContent, before, after });
  });
  const live = viewer.querySelector(".viewer-live");
  live.textContent = [said && t(said.t, said.args), ...words].filter(Boolean).join(" ");
}
