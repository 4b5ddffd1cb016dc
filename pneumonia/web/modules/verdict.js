// What a visitor can do with the verdicts without the server: say how likely pneumonia was before
// the film, and say that a film is none of those the models know.

export const EVEN = 50; // per cent, what the models count with
let before = EVEN; // holds for the next film too

const logOdds = (share) => Math.log(share / (1 - share));

/** A share in whole per cent, never 0 or 100, as the server writes it. */
function percent(share) {
  if (share < 0.01) return "<1\u00a0%";
  return share > 0.99 ? ">99\u00a0%" : `${Math.round(100 * share)}\u00a0%`;
}

/** Bring every number in line with how likely pneumonia was before the film (Bayes). */
export function weigh() {
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
  const answer = event.target.closest("[data-answer]")?.dataset.answer;
  if (!answer) return;
  const result = event.target.closest(".result");
  if (answer === "no") result.dataset.scope = "out";
  else result.querySelector(".question").hidden = true;
  weigh();
});
