// The table of many films: rows come as lines of JSON, all of them each time; what is new is added.
"use strict";

const many = { batch: null, rows: [], sort: null, down: false, filter: "all" };

function fillTable(element) {
  const section = document.querySelector(".many");
  const lines = element.textContent.split("\n").filter((line) => line.startsWith("{"));
  const batch = lines.length ? JSON.parse(lines[0]).batch : null;
  if (batch !== many.batch) {
    many.batch = batch;
    many.rows = [];
  }
  for (const line of lines.slice(many.rows.length)) {
    const row = JSON.parse(line);
    many.rows.push({ ...row, element: makeRow(row) });
  }
  section.hidden = !many.rows.length;
  arrange();
}

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// Words by their key, or as they came: language.js translates what has a key.
function words(text, tag = "span", className = "") {
  const element = make(tag, { className });
  if (typeof text === "string") element.textContent = text;
  else {
    element.dataset.t = text.t;
    element.dataset.args = JSON.stringify(text.args ?? {});
    element.textContent = window.t ? window.t(text.t, text.args) : text.t;
  }
  return element;
}

function makeRow(row) {
  const section = document.querySelector(".many");
  const titles = JSON.parse(section.dataset.models);
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
  for (const [name, title] of Object.entries(titles)) {
    const model = row.models[name];
    const cell = make("td");
    cell.dataset.content = title; // shown on a phone, where columns have no heads
    if (model.gate) {
      cell.append(words({ t: "verdict.none" }, "strong"), words(model.gate, "small"));
    } else {
      const bar = make("span", { className: "bar", dir: "ltr" });
      bar.style.setProperty("--at", model.probability);
      const number = make("bdi", { dir: "ltr" }, model.percent);
      cell.append(words({ t: `verdict.${model.verdict}` }, "strong"), number, bar);
    }
    element.append(cell);
  }
  if (count > 1) {
    const said = known(row).length < 2 ? "" : { t: disagrees(row) ? "batch.disagree" : "batch.agree" };
    element.append(words(said, "td"));
  }
  return element;
}

function known(row) {
  return Object.values(row.models ?? {}).filter((model) => !model.gate);
}

function disagrees(row) {
  return new Set(known(row).map((model) => model.verdict)).size > 1;
}

const KEPT = {
  all: () => true,
  disagreement: disagrees,
  uncertain: (row) => known(row).some((model) => model.verdict === "UNCERTAIN"),
  pneumonia: (row) => known(row).some((model) => model.verdict === "PNEUMONIA"),
  normal: (row) => known(row).some((model) => model.verdict === "NORMAL"),
  problems: (row) => Boolean(row.problem) || known(row).length === 0,
};

function worth(row, key) {
  if (key === "film") return row.name.toLowerCase();
  const all = known(row).map((model) => model.probability);
  if (key === "agreement") return all.length > 1 ? Math.max(...all) - Math.min(...all) : -1;
  const model = row.models?.[key];
  return model && !model.gate ? model.probability : -1;
}

function arrange() {
  const section = document.querySelector(".many");
  const rows = [...many.rows];
  if (many.sort) {
    const sign = many.down ? -1 : 1;
    rows.sort((a, b) => {
      const [first, second] = [worth(a, many.sort), worth(b, many.sort)];
      return sign * (first < second ? -1 : first > second ? 1 : 0) || a.row - b.row;
    });
  }
  for (const row of rows) row.element.hidden = !KEPT[many.filter](row);
  section.querySelector("tbody").replaceChildren(...rows.map((row) => row.element));
  for (const label of section.querySelectorAll(".filters label")) {
    const keeps = KEPT[label.querySelector("input").value];
    label.querySelector(".count").textContent = many.rows.filter(keeps).length;
  }
  for (const button of section.querySelectorAll("[data-sort]")) {
    const way = many.down ? "descending" : "ascending";
    button.closest("th").ariaSort = button.dataset.sort === many.sort ? way : "none";
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-sort]");
  if (!button) return;
  const key = button.dataset.sort;
  many.down = many.sort === key ? !many.down : key !== "film"; // the most probable first
  many.sort = key;
  arrange();
});

document.addEventListener("change", (event) => {
  if (!event.target.matches(".filters input")) return;
  many.filter = event.target.value;
  arrange();
});
