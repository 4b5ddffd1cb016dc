// Films dropped or pasted anywhere go to the file input of the tab that is open.
"use strict";

function give(files) {
  const many = document.querySelector("#films")?.offsetParent;
  const input = document.querySelector(`${many ? "#films" : "#film"} input[type=file]`);
  if (!files?.length || !input) return false;
  const given = new DataTransfer();
  for (const file of many ? files : [files[0]]) given.items.add(file);
  input.files = given.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}

document.addEventListener("paste", (event) => {
  if (give(event.clipboardData?.files)) event.preventDefault();
});

document.addEventListener("dragover", (event) => {
  if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
});

document.addEventListener("drop", (event) => {
  if (event.defaultPrevented || !event.dataTransfer?.files.length) return;
  event.preventDefault();
  give(event.dataTransfer.files);
});

// A file that is too large never leaves the visitor's machine: #result asks for the sentence instead.
function refuseLarge(event, file) {
  if (!file || file.size <= MAX_BYTES) return;
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
function settle(result) {
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
