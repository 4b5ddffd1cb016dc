// Your call first, then the models': films whose truth is known, one at a time in an order of chance.
// Truths and verdicts are in the table's rows; the server is asked for the films' pictures alone.

import { inScope, rowsRead, tableName } from "./batch_tab.js";
import { wilson } from "./figures.js";
import { pressed } from "./keys.js";
import { put, t } from "./language.js";
import { Turns } from "./turns.js";

const FEW = 30; // films, below which a score says little of anybody
const CALLS = { callNormal: "NORMAL", callPneumonia: "PNEUMONIA" };
const part = (selector) => document.querySelector(`.quiz ${selector}`);
const quiz = { films: [], at: 0, calls: [], turn: 0 };
const turns = new Turns("quiz-asks", () => skip({ t: "style.failed" }));

/** For the component that asks for pictures; page.js calls it. */
export function quizzing({ props, trigger, watch }) {
  turns.send = (question) => trigger("select", question);
  watch("value", () => {
    const { turn, picture, note } = JSON.parse(props.value || "{}");
    if (turn !== quiz.turn) return; // of a film that is no longer asked about
    if (note) return skip(note);
    part("img").src = picture;
    part("img").hidden = false;
    part(".quiz-note").hidden = true;
    for (const button of buttons()) button.disabled = false;
  });
}

const buttons = () => document.querySelectorAll(".quiz [data-call]");
const last = () => quiz.at === quiz.films.length - 1;

/** The film cannot be shown, so it is not called. */
function skip(why) {
  put(part(".quiz-note"), why);
  part(".quiz-next").hidden = last();
}

function shuffled(films) {
  const order = [...films];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

function start() {
  const films = rowsRead().filter((row) => row.truth && inScope(row).length);
  Object.assign(quiz, { films: shuffled(films), at: 0, calls: [] });
  part(".quiz-score").hidden = true;
  part(".quiz-ask").hidden = false;
  if (!part(".quiz-ask").closest("dialog").open) document.querySelector("dialog.quiz").showModal();
  show();
}

function show() {
  quiz.turn += 1;
  const { films, at } = quiz;
  put(part(".quiz-place"), { t: "walk.place", args: { place: at + 1, total: films.length } });
  part("img").hidden = true;
  part("img").alt = t("quiz.film", { place: at + 1 });
  part(".quiz-note").hidden = false;
  put(part(".quiz-note"), { t: "style.reading" });
  part(".quiz-answer").classList.add("hushed");
  part(".quiz-next").hidden = true;
  for (const button of buttons()) Object.assign(button, { ariaPressed: null, disabled: true });
  part(".quiz-question").focus();
  turns.ask({ film: `${tableName()}.${films[at].row}`, turn: quiz.turn });
}

function call(label) {
  const row = quiz.films[quiz.at];
  quiz.calls[quiz.at] = label; // none where the film was skipped
  const said = label === row.truth ? "quiz.agreed" : "quiz.differed";
  put(part(".quiz-truth"), { t: said, args: { truth: verdict(row.truth), call: verdict(label) } });
  for (const line of document.querySelectorAll(".quiz [data-called]")) {
    const { verdict: called, percent } = row.models[line.dataset.called];
    put(line.querySelector("strong"), verdict(called));
    line.querySelector("bdi").textContent = percent;
  }
  for (const button of buttons()) {
    Object.assign(button, { ariaPressed: button.dataset.call === label, disabled: true });
  }
  part(".quiz-answer").classList.remove("hushed");
  part(".quiz-next").hidden = last();
  part(last() ? ".quiz-end" : ".quiz-next").focus();
}

const verdict = (label) => ({ t: `verdict.${label}` });

function next() {
  quiz.at += 1;
  show();
}

function score() {
  const films = quiz.films.filter((row, i) => quiz.calls[i]);
  part(".quiz-ask").hidden = true;
  part(".quiz-score").hidden = false;
  for (const line of document.querySelectorAll(".quiz [data-score]")) {
    const name = line.dataset.score;
    const calls = name === "you" ? quiz.calls.filter(Boolean) : films.map((row) => row.models[name].verdict);
    const right = calls.filter((said, i) => said === films[i].truth).length;
    const none = calls.filter((said) => said === "UNCERTAIN").length;
    const counts = [right, calls.length - right - none, none];
    line.querySelectorAll("td").forEach((cell, i) => (cell.textContent = counts[i]));
    if (name === "you") interval(right, films.length);
  }
  put(part(".quiz-place"), { t: "quiz.done", args: { films: films.length } });
  part(".quiz-few").hidden = films.length >= FEW;
  part(".quiz-again").focus();
}

/** What a score of so few films can tell. */
function interval(right, films) {
  const [low, high] = (films ? wilson(right, films) : [0, 1]).map((share) => `${Math.round(100 * share)}\u00a0%`);
  put(part(".quiz-interval"), { t: "quiz.interval", args: { right, films, low, high } });
}

document.addEventListener("click", ({ target }) => {
  if (target.closest?.(".quiz-start, .quiz-again")) return start();
  const label = target.closest?.(".quiz [data-call]")?.dataset.call;
  if (label) return call(label);
  if (target.closest?.(".quiz-next")) return next();
  if (target.closest?.(".quiz-end")) return score();
  if (target.closest?.(".quiz-close")) document.querySelector("dialog.quiz").close();
});
document.addEventListener("keydown", (event) => {
  const label = CALLS[Object.keys(CALLS).find((action) => pressed(event, action))];
  if (!label || !event.target.closest?.("dialog.quiz") || part(".quiz-ask").hidden) return;
  if (buttons()[0].disabled) return; // called already, or there is nothing to see yet
  event.preventDefault();
  call(label);
});
