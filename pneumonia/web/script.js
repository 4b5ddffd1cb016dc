// A film dropped or pasted anywhere goes to the page's file input.
"use strict";

function give(file) {
  const input = document.querySelector("#film input[type=file]");
  if (!file || !input) return false;
  const files = new DataTransfer();
  files.items.add(file);
  input.files = files.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}

document.addEventListener("paste", (event) => {
  if (give(event.clipboardData?.files[0])) event.preventDefault();
});

document.addEventListener("dragover", (event) => {
  if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
});

document.addEventListener("drop", (event) => {
  if (event.defaultPrevented || !event.dataTransfer?.files.length) return;
  event.preventDefault();
  give(event.dataTransfer.files[0]);
});

// A file that is too large never leaves the visitor's machine: #result asks for the sentence instead.
function refuseLarge(event, file) {
  if (!file || file.size <= MAX_BYTES) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  document.querySelector("#result").dispatchEvent(new CustomEvent("toolarge", { detail: file.name }));
}

document.addEventListener("drop", (event) => refuseLarge(event, event.dataTransfer?.files[0]), true);
document.addEventListener(
  "change",
  (event) => {
    if (event.target.matches("#film input[type=file]")) refuseLarge(event, event.target.files[0]);
  },
  true,
);

// A phone scrolls down to a new result.
function settle(result) {
  if (result.getBoundingClientRect().top > innerHeight / 4) result.scrollIntoView();
}

// The intended use stands before the page until it is accepted, once a browser.
new MutationObserver((records, observer) => {
  const notice = document.querySelector("dialog.notice");
  if (!notice) return;
  observer.disconnect();
  try {
    if (localStorage.getItem("accepted")) return;
    notice.addEventListener("close", () => localStorage.setItem("accepted", "yes"));
  } catch {} // a browser that stores nothing is asked every time
  notice.showModal();
}).observe(document, { childList: true, subtree: true });
