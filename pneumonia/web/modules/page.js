// What the page does without the server. The exported functions bring one component of Gradio's each
// to life: modules.py calls them with what `js_on_load` is given. What the first film needs, not the
// page, is imported once the page is there.

import { addRows, tableName } from "./batch_tab.js";
import { say } from "./address.js";
import { comparing } from "./compare.js";
import {
  batchEnded, cancelBatches, forgetLocal, reading, takeBatches, takeFilms, unpreview,
} from "./giving.js";
import "./keys.js";
import { spoken } from "./language.js";
import { arrive, arrived, forget, tableCame } from "./places.js";
import { Turns, whenAnswered } from "./turns.js";
import { filmOf, outOfScope, weigh } from "./verdict.js";

/** The part of a film that is hidden, and the quiz's pictures. */
export const hiding = async (component) => (await import("./hide_answer.js")).hiding(component);
export const quizzing = async (component) => (await import("./quiz.js")).quizzing(component);

/** The film beside the one that is shown. */
export function prior(component) {
  comparing(component);
  arrive("prior");
}

const turns = new Turns("asks", () => [forget(), unpreview(), forgetLocal()]); // films that are asked for

/** Films are asked for here, by any way of giving one. */
export function films({ props, trigger }) {
  turns.send = (film) => trigger("select", film);
  takeFilms((film) => turns.ask(film), props);
  arrive("films");
  document.addEventListener("models", () => { // other ones were chosen: the same film once more
    const film = turns.next ?? turns.asked ?? (filmOf() && { film: filmOf(), upload: "", large: "" });
    if (film) turns.ask(film);
  });
  import("./viewer.js");
  import("./picture.js");
}

/** The result as it comes: first without pictures, then with them. */
export function result({ element, watch }) {
  watch("value", () => {
    weigh();
    const pending = Boolean(element.querySelector("[aria-busy]"));
    if (turns.next) return; // what stands here is not what is waited for
    unpreview();
    if (!pending) forgetLocal();
    const read = !element.querySelector(".invitation");
    document.querySelector("#desk").classList.toggle("folded", read);
    document.body.classList.toggle("reading", read);
    arrived(element.querySelector("[data-film]")?.dataset.film ?? "", !pending);
    scrollToResult(element);
  });
}

/** Downloads: a button asks for a file, which comes as a link that is followed at once. */
export function downloads({ element, trigger, watch }) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-export]");
    if (!button) return;
    const named = button.parentElement.querySelector("[data-named]")?.checked ?? false;
    const film = filmOf();
    const asked = { what: button.dataset.export, film, table: tableName(), language: spoken(), named };
    trigger("select", { ...asked, told: outOfScope(film) });
  });
  watch("value", () => element.querySelector("a")?.click());
}

/** The button that ends a batch, and drops those that wait behind it. */
export const cancelling = ({ element, trigger }) =>
  element.addEventListener("click", ({ target }) => {
    if (!target.closest("button")) return;
    cancelBatches();
    trigger("click");
  });

/** The model cards and the API, with this page's own address instead of an example's. */
export function records({ element }) {
  const here = new URL(".", document.baseURI).href;
  for (const code of element.querySelectorAll("code")) {
    code.textContent = code.textContent.replaceAll("http://127.0.0.1:7860/", here);
  }
}

/** The rows of a batch as they come. */
export function rows({ props, trigger, watch }) {
  takeBatches((films) => trigger("select", films));
  watch("value", () => {
    addRows(props.value);
    reading();
    tableCame();
    say({ table: tableName() });
  });
  whenAnswered("rows", batchEnded, batchEnded);
  arrive("table");
}

// A new result is scrolled into sight, down on a phone or up from a long table: once, as its
// pictures come later.
function scrollToResult(result) {
  const awaited = result.classList.contains("awaited");
  result.classList.toggle("awaited", !!result.querySelector("[aria-busy]"));
  if (awaited) return;
  if (document.body.dataset.tab !== "one") return;
  if (innerWidth > 1080) return scrollTo(0, 0);
  const { top } = result.getBoundingClientRect();
  if (top < 0 || top > innerHeight / 4) result.scrollIntoView();
}

// The intended use stands before the page until it is accepted, once a browser.
new MutationObserver((records, observer) => {
  const notice = document.querySelector("dialog.notice");
  if (!notice) return;
  observer.disconnect();
  try {
    if (localStorage.getItem("accepted")) return;
  } catch {} // a browser that stores nothing is asked every time
  notice.addEventListener("close", () => {
    if (notice.returnValue !== "accepted") return notice.showModal(); // Escape accepts nothing
    try {
      localStorage.setItem("accepted", "yes");
    } catch {}
  });
  notice.showModal();
}).observe(document, { childList: true, subtree: true });
