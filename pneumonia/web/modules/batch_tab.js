// The table of a batch. The server sends each row once, and all rows once more at the end, as a
// browser that is busy misses messages. A row is made once and put in its place.

import { put } from "./language.js";

const teaching = import("./teaching.js"); // nobody waits for it but whoever has a table

const EMPTY = { rows: [], shown: [], counts: {}, filter: "all" }; // rows by number, and as sorted
const table = { batch: null, ...structuredClone(EMPTY), sort: null, down: false };

const FILTERS = {
  all: () => true,
  disagreement: disagrees,
  uncertain: (row) => inScope(row).some((model) => model.verdict === "UNCERTAIN"),
  pneumonia: (row) => inScope(row).some((model) => model.verdict === "PNEUMONIA"),
  normal: (row) => inScope(row).some((model) => model.verdict === "NORMAL"),
  problems: (row) => Boolean(row.problem) || inScope(row).length === 0,
};

const section = () => document.querySelector(".batch");
const body = () => section().querySelector("tbody");

/** Put what is new in a message, `{"batch": name, "rows": […], "first": 0, "truths": […]}` as JSON,
 * into the table; `truths` are those of the rows from `first` on. */
export function addRows(message) {
  if (!message) return;
  const { batch, rows, first = 0, truths = [], told } = JSON.parse(message);
  if (batch !== table.batch) clear(batch);
  for (const row of rows) if (!table.rows[row.row]) addRow(row);
  truths.forEach((truth, i) => Object.assign(table.rows[first + i], { truth }));
  teaching.then(({ redraw }) => redraw(first ? undefined : told));
  section().hidden = !table.shown.length;
  for (const label of section().querySelectorAll(".filters label")) {
    const { value } = label.querySelector("input");
    label.querySelector(".count").textContent = table.counts[value] ?? 0;
    label.querySelector("input").disabled = !table.counts[value];
  }
}

/** The name of the table, "" where there is none. */
export const tableName = () => table.batch ?? "";

/** All rows that were read so far. */
export const rowsRead = () => table.rows.filter(Boolean);

/** Its rows as they are sorted and filtered. */
export const rowsShown = () => table.shown.filter((row) => !row.element.hidden && !row.problem);

function addRow(row) {
  table.rows[row.row] = row;
  row.element = makeRow(row);
  row.element.hidden = !FILTERS[table.filter](row);
  for (const [name, keeps] of Object.entries(FILTERS)) {
    table.counts[name] = (table.counts[name] ?? 0) + keeps(row);
  }
  let [low, high] = [0, table.shown.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(table.shown[middle], row) < 0) low = middle + 1;
    else high = middle;
  }
  body().insertBefore(row.element, table.shown[low]?.element ?? null);
  table.shown.splice(low, 0, row);
}

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const words = (text, tag = "span", className = "") => put(make(tag, { className }), text);

function makeRow(row) {
  const titles = JSON.parse(section().dataset.models);
  const count = Object.keys(titles).length;
  const open = make("button", { type: "button", title: row.name }, row.name);
  open.dataset.open = row.row;
  const picture = row.thumbnail ? make("img", { src: row.thumbnail, alt: "" }) : "";
  const element = make("tr", {}, make("td", { className: "film" }, picture, open));
  if (row.problem) {
    open.replaceWith(make("bdi", {}, row.name));
    const cell = words(row.problem, "td", "problem");
    cell.colSpan = count + (count > 1 ? 1 : 0);
    element.append(cell);
    return element;
  }
  const reason = Object.values(row.models).find((model) => model.gate)?.gate;
  if (reason) {
    const cell = make("td", { className: "out", colSpan: count + (count > 1 ? 1 : 0) });
    cell.append(words({ t: "style.out" }, "strong"), words(reason, "small"));
    element.append(cell);
    return element;
  }
  for (const [name, title] of Object.entries(titles)) {
    const model = row.models[name];
    const cell = make("td");
    cell.dataset.content = title; // shown on a phone, where columns have no heads
    const parts = ["track", "dot"].map((className) => make("i", { className }));
    const bar = make("span", { className: "zones bar", dir: "ltr" }, ...parts);
    bar.style.cssText = model.places;
    const number = make("bdi", { dir: "ltr" }, model.percent);
    cell.append(words({ t: `verdict.${model.verdict}` }, "strong"), number, bar);
    element.append(cell);
  }
  if (count > 1) {
    const cell = make("td", { className: disagrees(row) ? "agreement differ" : "agreement" });
    const points = Math.round(100 * sortKey(row, "agreement"));
    cell.append(words({ t: disagrees(row) ? "batch.disagree" : "batch.agree" }), words({ t: "batch.apart", args: { points } }, "small"));
    element.append(cell);
  }
  return element;
}

/** What the models say of a film that all of them know. */
export function inScope(row) {
  const models = Object.values(row.models ?? {});
  return models.some((model) => model.gate) ? [] : models;
}

function disagrees(row) {
  return new Set(inScope(row).map((model) => model.verdict)).size > 1;
}

function sortKey(row, column) {
  if (column === "film") return row.name.toLowerCase();
  const all = inScope(row).map((model) => model.probability);
  if (column === "agreement") return all.length > 1 ? Math.max(...all) - Math.min(...all) : -1;
  return all.length ? row.models[column].probability : -1;
}

function compare(a, b) {
  const [first, second] = table.sort ? [a, b].map((row) => sortKey(row, table.sort)) : [0, 0];
  const order = first < second ? -1 : first > second ? 1 : 0;
  return (table.down ? -order : order) || a.row - b.row;
}

document.addEventListener("click", (event) => {
  const column = event.target.closest("[data-sort]")?.dataset.sort;
  if (!column) return;
  table.down = table.sort === column ? !table.down : column !== "film"; // the most probable first
  table.sort = column;
  table.shown.sort(compare);
  body().append(...table.shown.map((row) => row.element));
  for (const { dataset, parentElement } of section().querySelectorAll("[data-sort]")) {
    const way = table.down ? "descending" : "ascending";
    parentElement.ariaSort = dataset.sort === column ? way : "none";
  }
});

function clear(batch) {
  Object.assign(table, { batch, ...structuredClone(EMPTY) });
  section().querySelector(".filters input").checked = true;
  body().replaceChildren();
}

document.addEventListener("change", (event) => {
  if (!event.target.matches(".batch .filters input")) return;
  table.filter = event.target.value;
  for (const row of table.shown) row.element.hidden = !FILTERS[table.filter](row);
});
