// A film dropped or pasted anywhere goes to the page's file input; the opacity of the heat is a
// CSS property, so moving it asks nothing of the server.
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

function setOpacity(slider) {
  document.documentElement.style.setProperty("--heat", slider.value / 100);
  slider.nextElementSibling.textContent = `${slider.value}\u00a0%`;
}

document.addEventListener("input", (event) => {
  if (event.target.matches(".opacity input")) setOpacity(event.target);
});

// A new result: the slider stands where the visitor left it, and a phone scrolls down to it.
function settle(result) {
  const slider = result.querySelector(".opacity input");
  const heat = document.documentElement.style.getPropertyValue("--heat");
  if (slider && heat) {
    slider.value = 100 * heat;
    setOpacity(slider);
  }
  if (result.getBoundingClientRect().top > innerHeight / 4) result.scrollIntoView();
}
