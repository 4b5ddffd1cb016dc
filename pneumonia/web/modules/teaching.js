// Films whose truth is known, against what the models call them. The server sends the truth with the
// rows; everything else is done here, and at most twice a second while rows come in.

import { inScope, rowsRead } from "./batch_tab.js";
import { area, callAt, confusion, histogram, roc, wilson } from "./figures.js";
import { put, t } from "./language.js";

const PAUSE = 500; // ms between two drawings
const FEW = 10; // films of a class, below which figures mean little
const BINS = 20;
const SIDE = 200; // of a drawing's own units
const CLASSES = ["NORMAL", "PNEUMONIA"];
const part = (selector, inside = document) => inside.querySelector(selector);
const thresholds = {}; // by model, where the visitor moved it

let waiting = 0;
let told = null;

/** Draw the figures soon; `sentence` is what became of a table of truths, if it is known by now. */
export function redraw(sentence) {
  if (sentence !== undefined) told = sentence;
  waiting ||= setTimeout(draw, PAUSE);
}

function draw() {
  waiting = 0;
  const rows = rowsRead();
  const known = rows.filter((row) => row.truth);
  say(".teaching-told", told);
  part(".teaching").hidden = !known.length;
  if (!known.length) return;
  const films = known.filter((row) => inScope(row).length);
  const count = (list, truth) => list.filter((row) => row.truth === truth).length;
  const by = (list) => ({ normal: count(list, "NORMAL"), pneumonia: count(list, "PNEUMONIA") });
  say(".teaching-known", { t: "teaching.known", args: { known: known.length, films: rows.length, ...by(known) } });
  const out = known.filter((row) => !row.problem && !inScope(row).length);
  const unread = known.filter((row) => row.problem);
  const apart = { out: out.length, ...by(out), unread: unread.length };
  say(".teaching-apart", out.length + unread.length ? { t: "teaching.apart", args: apart } : null);
  part(".quiz-start").hidden = !films.length;
  part(".teaching-few").hidden = CLASSES.every((truth) => count(films, truth) >= FEW);
  for (const article of document.querySelectorAll(".teaching-model")) {
    const { name } = JSON.parse(article.dataset.model);
    const model = films.map((row) => ({ truth: row.truth, ...row.models[name] }));
    fill(article, "verdicts", confusion(model, (film) => film.verdict));
    drawCurve(article, roc(model));
    drawHistogram(article, histogram(model, BINS));
    article.films = model;
    cut(article);
  }
}

/** What depends on the threshold. */
function cut(article) {
  const { name, threshold } = JSON.parse(article.dataset.model);
  const at = thresholds[name] ?? threshold;
  const counts = confusion(article.films, callAt(at));
  fill(article, "cut", counts);
  const input = part(".teaching-cut input", article);
  if (document.activeElement !== input) input.value = at;
  part("output", article).textContent = percent(at, 1);
  part(".teaching-back", article).disabled = !(name in thresholds);
  const rates = [...CLASSES].reverse().map((truth) => {
    const right = counts[`${truth}.${truth}`] ?? 0;
    const films = CLASSES.reduce((sum, called) => sum + (counts[`${truth}.${called}`] ?? 0), 0);
    return { key: truth === "PNEUMONIA" ? "sensitivity" : "specificity", right, films };
  });
  part(".teaching-rates", article).replaceChildren(...rates.flatMap(rate));
  for (const line of article.querySelectorAll(".at")) {
    for (const end of ["x1", "x2"]) line.setAttribute(end, SIDE * at);
  }
  const [sensitivity, specificity] = rates.map(({ right, films }) => (films ? right / films : 0));
  const dot = part(".dot", article);
  dot?.setAttribute("cx", SIDE * (1 - specificity));
  dot?.setAttribute("cy", SIDE * (1 - sensitivity));
}

function rate({ key, right, films }) {
  const [low, high] = films ? wilson(right, films) : [];
  const share = films ? `${percent(right / films)} (${percent(low)} – ${percent(high)})` : "–";
  const value = document.createElement("dd");
  const number = Object.assign(document.createElement("bdi"), { dir: "ltr", textContent: share });
  const of = put(document.createElement("small"), { t: "teaching.of", args: { right, films } });
  value.append(number, " ", of);
  return [put(document.createElement("dt"), { t: `about.${key}` }), value];
}

const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)}\u00a0%`;

function fill(article, kind, counts) {
  for (const cell of article.querySelectorAll(`[data-kind="${kind}"] [data-cell]`)) {
    cell.textContent = counts[cell.dataset.cell] ?? 0;
  }
}

function drawCurve(article, points) {
  const path = points.map(([x, y], i) => `${i ? "L" : "M"}${SIDE * x} ${SIDE * (1 - y)}`).join("");
  const curve = points.length ? `<path class="curve" d="${path}"/><circle class="dot" r="5"/>` : "";
  const auroc = points.length ? area(points).toFixed(3) : "–";
  part(".teaching-roc > div", article).innerHTML = drawing(
    `<path class="chance" d="M0 ${SIDE}L${SIDE} 0"/>${curve}`,
    t("teaching.roc.axes"),
  );
  say(".teaching-auroc", { t: points.length ? "teaching.auroc" : "teaching.one", args: { auroc } }, article);
}

function drawHistogram(article, counts) {
  const top = Math.max(1, ...counts.NORMAL, ...counts.PNEUMONIA);
  const wide = SIDE / BINS;
  const half = SIDE / 2;
  const bars = CLASSES.flatMap((truth) =>
    counts[truth].map((count, bin) => {
      const high = (count / top) * (half - 2);
      const y = truth === "NORMAL" ? half : half - high; // NORMAL hangs down, PNEUMONIA stands
      return `<rect class="${truth.toLowerCase()}" x="${bin * wide + 0.5}" y="${y}" width="${wide - 1}" height="${high}"/>`;
    }),
  );
  part(".teaching-histogram > div", article).innerHTML = drawing(
    `${bars.join("")}<path class="chance" d="M0 ${half}H${SIDE}"/><line class="at" y1="0" y2="${SIDE}"/>`,
    t("scale.axis"),
  );
}

/** A square drawing with an axis from 0 to 1 below it. */
function drawing(content, label) {
  return `<svg viewBox="-6 -6 ${SIDE + 12} ${SIDE + 12}" aria-hidden="true">
    <rect class="frame" width="${SIDE}" height="${SIDE}"/>${content}</svg>
    <p class="teaching-axis" aria-hidden="true"><span>0</span><span>${label}</span><span>1</span></p>`;
}

function say(selector, sentence, inside = document) {
  const element = part(selector, inside);
  element.hidden = !sentence;
  if (sentence) put(element, sentence);
}

document.addEventListener("input", ({ target }) => {
  const article = target.closest?.(".teaching-cut") && target.closest(".teaching-model");
  if (!article) return;
  thresholds[JSON.parse(article.dataset.model).name] = Number(target.value);
  cut(article);
});
document.addEventListener("click", ({ target }) => {
  if (target.closest?.(".teaching-press")) return print();
  const article = target.closest?.(".teaching-back")?.closest(".teaching-model");
  if (!article) return;
  delete thresholds[JSON.parse(article.dataset.model).name];
  cut(article);
});
document.addEventListener("language", () => part(".teaching") && redraw());
