// Where a visitor is: which part of the page, which film, which table. Every place has an address,
// so that Back, Forward, reload and links lead there as long as the server keeps the films.

import { said, say } from "./address.js";
import { rowsShown, tableName } from "./batch_tab.js";
import { beside, offer } from "./compare.js";
import { askFor, askForTable, onItsWay } from "./giving.js";
import { pressed } from "./keys.js";
import { t } from "./language.js";
import { filmOf } from "./verdict.js";

const THUMB = 72; // px
const TABS = ["one", "many", "about"];
const films = new Map(); // of this visit: name -> what it is called and a small picture
let shown = ""; // name of the film that is shown or asked for
let filled = ""; // name of the table that was asked for last
let ready = { films: false, table: false, prior: false };

const part = (selector) => document.querySelector(selector);

/** Go there, as a step that Back takes back: `{ tab, film, table }`. */
export function go(place) {
  say(place, true);
  if (place.film && place.film === shown && onItsWay()) askFor(shown); // rather than that one
  follow();
}

/** The parts that answer are there: films, the table, or the film beside. */
export function arrive(what) {
  ready[what] = true;
  follow();
}

/** Bring the page where the address says. */
function follow() {
  const place = said();
  const tab = TABS.includes(place.get("tab")) ? place.get("tab") : "one";
  for (const button of document.querySelectorAll("[role=tab][data-tab]")) {
    const here = button.dataset.tab === tab;
    button.ariaSelected = here;
    button.tabIndex = here ? 0 : -1;
    const panel = part(`#tab-${button.dataset.tab}`);
    panel?.classList.toggle("here", here);
    panel?.setAttribute("role", "tabpanel");
  }
  document.body.dataset.tab = tab;
  const film = place.get("film") ?? "";
  if (ready.films && film !== shown) {
    shown = film;
    askFor(film);
  }
  const table = place.get("table");
  if (ready.table && table && table !== tableName() && table !== filled) {
    filled = table;
    askForTable(table);
  }
  walk();
  compare();
}

/** The film beside the one that is shown, which others could be, and which button is that film's. */
function compare() {
  offer(films, shown);
  for (const button of document.querySelectorAll("[data-example], .visit [data-go]")) {
    const { go: name, example } = button.dataset;
    button.ariaCurrent = (name ?? `example.${example}`) === shown ? "true" : null;
  }
  if (ready.prior) beside(said().get("with"), shown);
}

/** No answer came: whoever asks for that film again is not there yet. */
export function forget() {
  shown = filmOf();
}

/** A table is here, whichever it is. */
export function tableCame() {
  filled = "";
  walk();
}

/** The film of that name is here now; "" is one that has no name, such as a refused file. */
export function arrived(name, done) {
  if (name !== shown || said().get("film") !== (name || null)) {
    shown = name;
    say({ film: name }, true);
  }
  if (done) remember(name);
  announce();
  walk();
  compare();
}

/** A screen reader hears the verdict, in the page's language. */
function announce() {
  const parts = ".viewer-panel.film figcaption bdi, .told, .call h2, .verdict li .model, .verdict li .label, .known p:first-child";
  requestAnimationFrame(() => {
    const seen = [...part("#result").querySelectorAll(parts)].filter((element) => element.checkVisibility());
    const words = seen.map((element) => element.innerText.trim());
    const sentence = words.filter(Boolean).join(". ").replaceAll("\n", " ");
    if (part("#said").textContent !== sentence) part("#said").textContent = sentence;
  });
}

function remember(name) {
  const image = part("#result .viewer-panel.film img");
  if (!name || !image || films.has(name)) return;
  const called = part("#result .viewer-panel.film figcaption bdi, #result .refused .name").textContent;
  image.decode().then(() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: THUMB, height: THUMB });
    const scale = Math.max(THUMB / image.naturalWidth, THUMB / image.naturalHeight);
    const [width, height] = [image.naturalWidth * scale, image.naturalHeight * scale];
    const context = canvas.getContext("2d");
    context.drawImage(image, (THUMB - width) / 2, (THUMB - height) / 2, width, height);
    films.set(name, { called, picture: canvas.toDataURL("image/jpeg", 0.7) });
    const button = Object.assign(document.createElement("button"), { type: "button" });
    Object.assign(button.dataset, { go: name, tLabel: "visit.open", args: JSON.stringify({ name: called }) });
    button.title = called;
    button.append(Object.assign(document.createElement("img"), { src: films.get(name).picture, alt: "" }));
    const item = document.createElement("li");
    item.append(button);
    part(".visit ul").prepend(item);
    part(".visit").hidden = films.size < 2;
    compare();
  }, () => {}); // another film has come in between
}

/** Previous and next in the table, where the film is one of its rows. */
function walk() {
  const [table, row] = shown.split(".");
  const rows = rowsShown();
  const at = table && table === tableName() ? rows.findIndex((r) => String(r.row) === row) : -1;
  const nav = part(".walk");
  if (!nav) return;
  nav.hidden = at < 0;
  if (at < 0) return;
  nav.querySelector(".place").textContent = t("walk.place", { place: at + 1, total: rows.length });
  for (const button of nav.querySelectorAll("[data-walk]")) {
    const next = rows[at + Number(button.dataset.walk)];
    button.disabled = !next;
    button.dataset.go = next ? `${table}.${next.row}` : "";
  }
}

document.addEventListener("click", ({ target }) => {
  const example = target.closest?.("[data-example]")?.dataset.example;
  if (example) go({ film: `example.${example}`, tab: null });
  const { tab, go: film } = target.closest?.("[data-tab], [data-go]")?.dataset ?? {};
  if (tab) go({ tab: tab === "one" ? null : tab });
  if (film) go({ film, tab: null });
  const open = target.closest?.("[data-open]")?.dataset.open;
  if (open) {
    go({ film: `${tableName()}.${open}`, tab: null });
    part("[role=tab][data-tab=one]").focus();
  }
  if (target.closest?.("[data-table]")) {
    go({ tab: "many" });
    part(`[data-open="${shown.split(".")[1]}"]`)?.focus();
  }
  if (target.closest?.("[data-compare-end]")) go({ with: null });
  if (target.closest?.("[data-skip]")) {
    go({ tab: null });
    const heading = part("#result h2:not(.preview *)");
    heading?.setAttribute("tabindex", "-1");
    heading?.focus();
  }
});
document.addEventListener("change", ({ target }) => {
  if (target.matches?.("[data-compare]")) go({ with: target.value || null, tab: null });
});
document.addEventListener("keydown", (event) => {
  if (!event.target.matches?.("[role=tab][data-tab]") || !pressed(event, "tabs")) return;
  const step = (event.key === "ArrowRight" ? 1 : -1) * (document.dir === "rtl" ? -1 : 1);
  const tabs = [...document.querySelectorAll("[role=tab][data-tab]")];
  const next = tabs[(tabs.indexOf(event.target) + step + tabs.length) % tabs.length];
  next.focus();
  next.click();
});
addEventListener("popstate", follow);
addEventListener("hashchange", follow);
document.addEventListener("language", () => [walk, announce].forEach((say) => say()));
document.addEventListener("answer", announce);
addEventListener("beforeunload", (event) => {
  if (part(".progress.going")) event.preventDefault(); // films are still being read
});
