// The page in the visitor's language, without a call to the server. Gradio's i18n brings the texts
// and translates its own components; here the page's HTML follows:
//
//   data-t="key"                  its words
//   data-t-label, -title, -alt    its aria-label and those attributes
//   data-args                     {"name": value} for {name}; a value may be a text again,
//                                 {"t": key, "args": …}, or a number
//   data-n, data-digits           a number as its words
//
// Texts in the group "style" are CSS variables: content: var(--style-drop). The menu is
// <select class="language">. After a change the document gets the event "language".
// The choice stands in the address (#lang=ar): nothing is stored, and a link can carry it.

import { said, say } from "./address.js";

const TEXTS = window.gradio_config?.i18n_translations ?? { en: {} };
const GRADIO = { zh: "zh-CN", pt: "pt-BR" }; // Gradio's names where they are not ours
const RIGHT_TO_LEFT = ["ar"];
const ATTRIBUTES = {
  "data-t-label": "aria-label",
  "data-t-title": "title",
  "data-t-alt": "alt",
};
const MARKS = ["data-t", "data-n", ...Object.keys(ATTRIBUTES)];
const MARKED = [...MARKS.map((mark) => `[${mark}]`), "select.language"].join();
const root = document.documentElement;

const known = (tag) => {
  const base = tag?.toLowerCase().split("-")[0];
  return Object.hasOwn(TEXTS, base) ? base : null;
};
const linked = () => known(said().get("lang"));
const preferred = () => navigator.languages.map(known).find(Boolean) ?? "en";
const locale = () => GRADIO[language] ?? language;
let language = linked() ?? preferred();

function write(value, digits) {
  const style = { minimumFractionDigits: digits, maximumFractionDigits: digits ?? 3 };
  return new Intl.NumberFormat(`${locale()}-u-nu-latn`, style).format(value);
}

function show(value) {
  if (typeof value === "number") return write(value);
  return value?.t ? t(value.t, value.args) : String(value);
}

/** The code of the visitor's language, such as "ar". */
export const spoken = () => language;

/** The text of that key in the visitor's language, or else in English, or else the key. */
export function t(key, args = {}) {
  const text = TEXTS[language]?.[key] ?? TEXTS.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    if (!Object.hasOwn(args, name)) return whole;
    // isolated, or a file's name and a range of numbers would be torn apart between Arabic words
    return root.dir === "rtl" ? `\u2068${show(args[name])}\u2069` : show(args[name]);
  });
}

/** The element, whose words are the text of that key from now on. */
export function put(element, { t: key, args = {} }) {
  element.textContent = t(key, args);
  Object.assign(element.dataset, { t: key, args: JSON.stringify(args) });
  return element;
}

function translate(element) {
  const { dataset } = element;
  const says = (key) => key && (TEXTS.en[key] ? t(key, JSON.parse(dataset.args ?? "{}")) : null);
  const words = dataset.n ? write(dataset.n, dataset.digits) : says(dataset.t);
  if (words && element.textContent !== words) element.textContent = words;
  for (const [mark, name] of Object.entries(ATTRIBUTES)) {
    const text = says(element.getAttribute(mark));
    if (text && element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
  if (element.matches("select.language")) element.value = language;
}

function translateAll(parent) {
  if (parent.matches?.(MARKED)) translate(parent);
  parent.querySelectorAll(MARKED).forEach(translate);
}

function entitle() {
  const title = t("page.title");
  if (TEXTS.en["page.title"] && document.title !== title) document.title = title;
}

function speak(next) {
  language = next;
  root.lang = locale();
  root.dir = RIGHT_TO_LEFT.includes(next) ? "rtl" : "ltr";
  for (const key of Object.keys(TEXTS.en)) {
    if (!key.startsWith("style.")) continue;
    root.style.setProperty(`--${key.replaceAll(".", "-")}`, JSON.stringify(t(key)));
  }
  entitle();
  translateAll(document);
  document.dispatchEvent(new CustomEvent("language", { detail: next }));
}

// Gradio has no public way to change its language while it runs. Its settings do it with the
// module below; importing it again by the same address gives the same module.
const address = performance
  .getEntriesByType("resource")
  .map((entry) => entry.name)
  .find((name) => /\/assets\/core-[\w-]+\.js$/.test(name));
const core = address ? import(address).catch(() => null) : Promise.resolve(null);

// Its own words in that language; Gradio reads "pt" too where it speaks "pt-BR".
async function gradioWords(code) {
  const languages = (await core)?.process_langs?.() ?? {};
  const loaders = [code, GRADIO[code]].map((name) => languages[name]?.data);
  const words = loaders.map((load) => load instanceof Function && load());
  await Promise.all(words).catch(() => null);
}

async function tellGradio() {
  const next = language;
  await gradioWords(next); // first, so that of two choices the last one wins
  if (next === language) (await core)?.changeLocale?.(locale());
}

function choose(next) {
  say({ lang: next });
  speak(next);
  tellGradio();
}

document.addEventListener("change", (event) => {
  if (event.target.matches("select.language")) choose(event.target.value);
});
window.addEventListener("hashchange", () => {
  if (linked() && linked() !== language) choose(linked());
});

// Gradio updates HTML in place, so words and attributes of old elements change too.
new MutationObserver((records) => {
  for (const { target, type, attributeName, addedNodes } of records) {
    if (target === root && attributeName === "lang") {
      if (root.lang !== locale()) choose(known(root.lang) ?? "en"); // chosen in Gradio's settings
    } else if (type === "childList") {
      if (target.matches?.(MARKED)) translate(target);
      for (const node of addedNodes) if (node.nodeType === Node.ELEMENT_NODE) translateAll(node);
    } else {
      const element = type === "attributes" ? target : target.parentElement;
      if (element?.matches(MARKED)) translate(element);
    }
  }
  entitle(); // Gradio writes its own once it is there
}).observe(root, {
  subtree: true,
  childList: true,
  characterData: true,
  attributeFilter: ["lang", "data-args", "data-digits", ...MARKS, ...Object.values(ATTRIBUTES)],
});

const before = root.lang;
speak(language);
if (before !== locale()) tellGradio();
// Gradio's words of all languages, once somebody comes to the menu, so that the choice loads nothing.
const COMING = ["focusin", "pointerover"];
function learn({ target }) {
  if (!target.matches?.("select.language")) return;
  for (const event of COMING) document.removeEventListener(event, learn);
  Object.keys(TEXTS).forEach(gradioWords);
}
for (const event of COMING) document.addEventListener(event, learn);
