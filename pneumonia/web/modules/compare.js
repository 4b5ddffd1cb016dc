// Another film of this visit beside the one that is shown. The address says which ("with"), so that
// Back takes it away again; the server reads it on its own, as it does every film.

import { said } from "./address.js";
import { put } from "./language.js";
import { Turns } from "./turns.js";
import { filmOf, weigh } from "./verdict.js";

const here = () => document.querySelector("#prior .prior");
const turns = new Turns("prior", () => here().classList.remove("asked")); // names of films
let visible = false;

/** For the component that shows it; page.js calls it. */
export function comparing({ trigger, watch }) {
  turns.send = (film) => {
    here()?.classList.add("stale", "asked"); // what stands there is of another film, or by other models
    trigger("select", { film });
  };
  watch("value", weigh);
}

/** Films that can stand beside the one of that name: `films` is name -> { called }. */
export function offer(films, shown) {
  const select = document.querySelector("[data-compare]");
  if (!select) return;
  const others = [...films].filter(([name]) => name !== shown);
  const none = put(document.createElement("option"), { t: "compare.none" });
  none.value = "";
  const options = others.map(([value, { called }]) =>
    Object.assign(document.createElement("option"), { value, textContent: called }));
  select.replaceChildren(none, ...options);
  select.value = said().get("with") ?? "";
  if (select.selectedIndex < 0) select.value = ""; // of a visit before this one
}

/** Bring that film beside the one that is shown; none where it is the same, or "". */
export function beside(name, shown) {
  const other = name && shown && name !== shown ? name : "";
  visible = Boolean(other);
  document.querySelector("#desk")?.classList.toggle("comparing", visible);
  if (other && other !== (turns.next ?? turns.asked ?? shownBeside())) turns.ask(other);
}

/** Name of the film that is there still, "" where it has to be read again. */
const shownBeside = () => (here()?.classList.contains("stale") ? "" : filmOf(here()));

/** Other models were chosen: once more, by these. */
document.addEventListener("models", () => {
  const film = turns.next ?? turns.asked ?? filmOf(here());
  if (visible || turns.asked) turns.ask(film);
  else here()?.classList.add("stale");
});
