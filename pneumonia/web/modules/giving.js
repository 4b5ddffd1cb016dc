// Films come in here: dropped or pasted anywhere, or chosen. One film opens on the first part of the
// page, several or an archive on the second. The last one given wins. A film that is a picture is
// shown at once, from the visitor's own machine, until the server has read it.

import { dropped, enter, given } from "./entrance.js";
import { t } from "./language.js";
import { go } from "./places.js";

const SEVERAL = /\.(zip|csv)$/i; // an archive of films, a table of their truths
const part = (selector) => document.querySelector(selector);

let asks = null; // asks the server for a film
let limits = {}; // bytes of a film and of an upload, and films of a batch
let going = {}; // the upload on its way, by drop zone
let local = ""; // address of the film on this machine

/** Films are asked for with `ask`; what is beyond the limits never leaves the machine. */
export function takeFilms(ask, { max_bytes, max_upload, max_films }) {
  [asks, limits] = [ask, { max_bytes, max_upload, max_films }];
  open();
}

/** Ask for the film of that name; one that is still on its way no longer counts. */
export function askFor(film) {
  if (going.film) stop();
  if (ready()) unpreview();
  forgetLocal();
  asks?.({ film, upload: "", large: "" });
}

let fill = null; // puts films into the table
let batches = []; // the one that is read, then those that wait

export function takeBatches(ask) {
  fill = ask;
  open();
}

/** Films for the table, after those that were given before. */
function queue(batch) {
  batches.push(batch);
  if (batches.length === 1) fill(batch);
}

export function batchEnded() {
  batches.shift();
  if (batches.length) fill(batches[0]);
  else reading();
}

/** None is waited for, and none waits. */
export function cancelBatches() {
  batches = [];
  reading();
}

// The parts come one by one, in any order.
const ready = () => asks && fill && [".preview", "#film .way", "#films .way"].every(part);

/** All that takes films is there: those come first that the first screen got. */
function open() {
  if (ready()) enter(give);
  else if (asks && fill) requestAnimationFrame(open);
}

/** Ask for the table of that name. */
export const askForTable = (table) => queue({ table, uploads: [], folders: [], append: false });

/** Take files, with where each lies in a folder that was dropped, if any was. */
function give(files, folders = []) {
  if (!files.length || !ready()) return;
  const several = files.length > 1 || folders[0] || SEVERAL.test(files[0].name);
  go({ tab: several ? "many" : null });
  if (several) giveMany(files, folders);
  else giveOne(files[0]);
}

function giveOne(file) {
  if (going.film) stop();
  if (file.size > limits.max_bytes) return asks({ film: "", upload: "", large: file.name });
  preview(file);
  upload("film", [file], ([path]) => asks({ film: "", upload: path, large: "" }));
}

let before = Promise.resolve(); // the upload of films given earlier: none is lost

function giveMany(files, folders = []) {
  if (!files.length) return;
  if (!going.films) document.querySelectorAll("#films .aside").forEach((line) => line.remove());
  const most = limits.max_films;
  if (files.length > most) tell(t("batch.cut", { most }));
  const some = files.slice(0, most);
  const large = some.find((file) => file.size > limits.max_upload);
  if (large) return tell(t("refusal.too_large", { name: large.name, limit: limits.max_upload / 2 ** 20 }));
  before = before.then(() => upload("films", some, (uploads) => {
    queue({ table: "", uploads, folders: folders.slice(0, most), append: true });
    const way = part("#films .way"); // others' films may come first
    way.hidden = false;
    way.querySelector("progress").removeAttribute("value");
    const words = way.querySelector(".words");
    [words.ariaHidden, words.textContent] = [false, t("style.reading")];
  }));
}

/** Films are read now: what comes stands in the table, and none wait for it. */
export function reading() {
  if (!going.films && batches.length < 2) part("#films .way").hidden = true;
}

/** A line that stays below the films' zone until others are given. */
function tell(text) {
  const line = Object.assign(document.createElement("p"), { className: "aside", role: "alert", textContent: text });
  part("#films .zone").append(line);
}

/** Whether a film is on its way to the server, or read there. */
export const onItsWay = () => Boolean(going.film || local);

/** The film's upload is not waited for any more. */
function stop() {
  going.film.abort();
  going.film = null;
  part("#film .zone").classList.remove("going");
  part("#film .way").hidden = true;
}

/** Send files, saying how far it is; `then` gets what the server calls them. */
const upload = (zone, files, then) => new Promise((done) => {
  const way = part(`#${zone} .way`);
  const words = way.querySelector(".words");
  const request = new XMLHttpRequest();
  going[zone] = request;
  const current = () => going[zone] === request;
  const names = files.length > 1 ? `${files.length} × ` : "";
  way.hidden = false;
  way.querySelector("bdi").textContent = names + files[0].name;
  part(`#${zone} .zone`).classList.add("going");
  const say = (share) => {
    words.ariaHidden = share < 1; // nobody wants each percent read out
    way.querySelector("progress").value = share;
    words.textContent = t("upload.going", { percent: `${Math.floor(100 * share)} %` });
  };
  const end = (failed) => {
    if (!current()) return;
    part(`#${zone} .zone`).classList.remove("going");
    going[zone] = null;
    way.hidden = true;
    done();
    if (!failed) return;
    if (zone === "films") return tell(`${names}${files[0].name}: ${t("style.failed")}`);
    way.hidden = false;
    way.classList.add("failed");
    words.ariaHidden = false;
    words.textContent = t("style.failed");
    unpreview();
    forgetLocal();
  };
  way.classList.remove("failed");
  say(0);
  request.upload.addEventListener("progress", ({ loaded, total }) => current() && say(loaded / total));
  request.addEventListener("error", () => end(true));
  request.addEventListener("load", () => {
    let paths = null; // or what a proxy in between answers
    try { paths = request.status === 200 && JSON.parse(request.responseText); } catch {}
    const [fine, mine] = [Array.isArray(paths), current()];
    end(!fine);
    if (fine && mine) then(paths);
  });
  const body = new FormData();
  for (const file of files) body.append("files", file);
  request.open("POST", new URL("gradio_api/upload", document.baseURI));
  request.send(body);
});

function preview(file) {
  unpreview();
  forgetLocal();
  const figure = part(".preview");
  const image = figure.querySelector("img");
  local = URL.createObjectURL(file);
  image.onload = () => {
    if (image.src !== local) return;
    figure.hidden = false;
    part("#desk").classList.add("previewing");
    document.documentElement.style.setProperty("--local", `url("${local}")`);
  };
  image.onerror = () => {}; // not a picture that a browser knows, such as a DICOM
  image.src = local;
}

/** The server has read the film, or there will be none. */
export function unpreview() {
  part(".preview").hidden = true;
  part("#desk").classList.remove("previewing");
}

/** The pictures of the result are there. */
export function forgetLocal() {
  if (local) URL.revokeObjectURL(local);
  local = "";
  document.documentElement.style.removeProperty("--local");
}

document.addEventListener("change", ({ target }) => {
  if (!target.matches(".drop input") || !target.files.length) return;
  given();
  const files = [...target.files];
  if (target.closest("#films")) giveMany(files);
  else give(files);
  target.value = ""; // so that the same film can be chosen again
});

document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (!files.length) return;
  event.preventDefault();
  given();
  give(files);
});

let over = 0; // drags enter and leave every element on their way
const mark = (step) => {
  over = Math.max(0, over + step);
  document.body.classList.toggle("over", over > 0);
};
const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
document.addEventListener("dragenter", (event) => carriesFiles(event) && mark(1));
document.addEventListener("dragleave", (event) => carriesFiles(event) && mark(-1));
document.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
document.addEventListener("drop", (event) => {
  mark(-over);
  if (event.defaultPrevented || !carriesFiles(event)) return;
  event.preventDefault();
  const into = event.target.closest?.("#films") ? giveMany : give;
  const last = given();
  dropped(event).then((all) => last() && into(...all));
});
