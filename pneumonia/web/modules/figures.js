// The figures of films whose truth is known: pure functions, nothing of the page.
// A film is { truth: "NORMAL" | "PNEUMONIA", probability: P(PNEUMONIA) in 0..1, verdict }.

const Z = 1.959963984540054; // of a 95 % interval
const ill = (film) => film.truth === "PNEUMONIA";

/** Counts by truth and by what each film is called: `{ "NORMAL.PNEUMONIA": 3, … }`. */
export function confusion(films, called) {
  const counts = {};
  for (const film of films) {
    const cell = `${film.truth}.${called(film)}`;
    counts[cell] = (counts[cell] ?? 0) + 1;
  }
  return counts;
}

/** What a film is called from that threshold on. */
export const callAt = (threshold) => (film) => (film.probability >= threshold ? "PNEUMONIA" : "NORMAL");

/** The 95 % interval of `right` among `total` (Wilson 1927), `[low, high]` in 0..1. */
export function wilson(right, total) {
  const share = right / total;
  const scale = 1 + Z ** 2 / total;
  const middle = (share + Z ** 2 / (2 * total)) / scale;
  const half = (Z * Math.sqrt((share * (1 - share)) / total + Z ** 2 / (4 * total ** 2))) / scale;
  return [right ? middle - half : 0, right < total ? middle + half : 1];
}

/** The ROC curve as `[1 − specificity, sensitivity]` of every threshold, films of one probability
 * together, from (0, 0) to (1, 1); none without films of both classes. */
export function roc(films) {
  const sick = films.filter(ill).length;
  const well = films.length - sick;
  if (!sick || !well) return [];
  const points = [[0, 0]];
  let [hits, alarms] = [0, 0];
  const sorted = [...films].sort((a, b) => b.probability - a.probability);
  sorted.forEach((film, i) => {
    if (ill(film)) hits += 1;
    else alarms += 1;
    if (sorted[i + 1]?.probability !== film.probability) points.push([alarms / well, hits / sick]);
  });
  return points;
}

/** The area under such a curve. */
export function area(points) {
  return points.slice(1).reduce((sum, [x, y], i) => sum + ((x - points[i][0]) * (y + points[i][1])) / 2, 0);
}

/** How many films of each truth lie in each of so many equal bins of probability. */
export function histogram(films, bins) {
  const counts = { NORMAL: Array(bins).fill(0), PNEUMONIA: Array(bins).fill(0) };
  for (const { truth, probability } of films) {
    counts[truth][Math.min(Math.floor(probability * bins), bins - 1)] += 1;
  }
  return counts;
}
