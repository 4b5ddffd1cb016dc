// What the page does without the server. The exported functions bring one component of Gradio's each
// to life: modules.py calls them with what `js_on_load` is given.

import { addRows } from "./batch_tab.js";
import { weigh } from "./verdict.js";
import "./viewer.js";

let maxBytes = Infinity; // of a film

/** The examples: a click on one asks for it. */
export function examples({ element, trigger }) {
  element.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) trigger("select", { index: Number(button.dataset.example) });
  });
}

/** The result; a film that is too large asks for its refusal here. */
export function result({ element, props, trigger, watch }) {
  maxBytes = props.max_bytes;
  watch("value", () => {
    weigh();
    scrollToResult(element);
  });
  element.closest("#result").addEventListener("toolarge", (event) => {
    trigger("select", { name: event.detail });
  });
}

/** Downloads: a button asks for a file, which comes as a link that is followed at once. */
export function downloads({ element, trigger, watch }) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-export]");
    if (button) trigger("select", { what: button.dataset.export });
  });
  watch("value", () => element.querySelector("a")?.click());
}

/** The rows of a batch as they come; a click on one opens its film. */
export function rows({ props, trigger, watch }) {
  watch("value", () => addRows(props.value));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-open]");
    if (button) trigger("select", { row: button.dataset.open });
  });
}

// Films dropped or pasted anywhere go to the file input of the tab that is open.
function handOver(files) {
  const batch = document.querySelector("#films")?.offsetParent;
  const input = document.querySelector(`${batch ? "#films" : "#film"} input[type=file]`);
  if (!files?.length || !input) return false;
  const given = new DataTransfer();
  for (const file of batch ? files : [files[0]]) given.items.add(file);
  input.files = given.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}

document.addEventListener("paste", (event) => {
  if (handOver(event.clipboardData?.files)) event.preventDefault();
});

document.addEventListener("dragover", (event) => {
  if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
});

document.addEventListener("drop", (event) => {
  if (event.defaultPrevented || !event.dataTransfer?.files.length) return;
  event.preventDefault();
  handOver(event.dataTransfer.files);
});

// A file that is too large never leaves the visitor's machine: #result asks for the sentence instead.
function refuseLarge(event, file) {
  if (!file || file.size <= maxBytes) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  document.querySelector("#result").dispatchEvent(new CustomEvent("toolarge", { detail: file.name }));
}

document.addEventListener(
  "drop",
  (event) => {
    if (!document.querySelector("#films")?.offsetParent) refuseLarge(event, event.dataTransfer?.files[0]);
  },
  true,
);
document.addEventListener(
  "change",
  (event) => {
    if (event.target.matches("#film input[type=file]")) refuseLarge(event, event.target.files[0]);
  },
  true,
);

// A new result is scrolled into sight, down on a phone or up from a long table: once, as its
// pictures come later.
function scrollToResult(result) {
  const awaited = result.classList.contains("awaited");
  result.classList.toggle("awaited", !!result.querySelector("[aria-busy]"));
  if (awaited) return;
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
