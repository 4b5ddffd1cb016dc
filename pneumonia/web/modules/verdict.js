// What a visitor can do with the verdicts without the server: say how likely pneumonia was before
// the film, and say that a film is none of those the models know.

export const EVEN = 50; // per cent, what the models count with
let before = EVEN; // holds for the next film too
const answers = new Map(); // name of a film -> "yes" or "no", whether the models know its kind

export const logOdds = (share) => Math.log(share / (1 - share));

/** A share in whole per cent, never 0 or 100, as the server writes it. */
function percent(share) {
  if (share < 0.01) return "<1\u00a0%";
  return share > 0.99 ? ">99\u00a0%" : `${Math.round(100 * share)}\u00a0%`;
}

/** The name of the film that this element is about; by default of the one that is shown. */
export function filmOf(element = document.querySelector("#result")) {
  return element?.closest("#result, #prior")?.querySelector("[data-film]")?.dataset.film ?? "";
}

/** Whether the visitor said that the models do not know this kind of film. */
export const outOfScope = (film) => answers.get(film) === "no";

/** Bring results in line with what the visitor said of their films, which stays said. */
function answer() {
  for (const question of document.querySelectorAll(".question")) {
    const [film, result] = [filmOf(question), question.closest(".result")];
    question.hidden = answers.get(film) === "yes";
    if (outOfScope(film)) result.dataset.scope = "out";
    else delete result.dataset.scope;
  }
}

/** Bring every number in line with how likely pneumonia was before the film (Bayes). */
export function weigh() {
  answer();
  for (const slider of document.querySelectorAll("[data-pretest]")) {
    slider.value = before;
    slider.nextElementSibling.textContent = `${before}\u00a0%`;
  }
  const shift = logOdds(Math.min(Math.max(before, 1), 99) / 100);
  for (const number of document.querySelectorAll("[data-log-odds]")) {
    const inScope = !number.closest("[data-scope=out]");
    const sum = Number(number.dataset.logOdds) + (inScope ? shift : 0);
    const words = percent(1 / (1 + Math.exp(-sum)));
    if (number.textContent !== words) number.textContent = words;
  }
}

document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-pretest]")) return;
  before = Number(event.target.value);
  weigh();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-answer]");
  if (!button) return;
  const place = scrollY;
  answers.set(filmOf(button), button.dataset.answer);
  weigh();
  requestAnimationFrame(() => scrollTo(0, place)); // or what is said now hides above, under a phone's film
  const result = button.closest(".result");
  const no = button.dataset.answer === "no"; // which can be taken back
  const next = result.querySelector(no ? "[data-answer=yes]" : ".call h2");
  if (!no) next.setAttribute("tabindex", "-1");
  next.focus({ preventScroll: true });
  document.dispatchEvent(new Event("answer"));
});
