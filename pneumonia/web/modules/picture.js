// The picture that one takes away is the one that is seen: each panel as it stands, under it whose it
// is and what it says, and below all what made it and what it is not. It is drawn here, and without
// the film's name, which is often a patient's.

import { t } from "./language.js";
import { EVEN } from "./verdict.js";

const [GAP, LINE] = [16, 22]; // px at a screen of one pixel a point

function words(result, number) {
  const figure = result.querySelectorAll(".viewer-panel")[number];
  const title = figure.querySelector("figcaption strong").innerText;
  if (number === 0) return [title];
  const row = result.querySelectorAll(".verdict li")[number - 1];
  const says = result.dataset.scope === "out" ? "" : figure.querySelector(".viewer-says").innerText;
  const hidden = row.querySelector("[data-without]:not([hidden])")?.innerText; // of the film without a part
  const lines = [row.querySelector(".label").innerText, says, hidden].filter(Boolean);
  return [title, ...lines.map((line) => line.replaceAll("\n", " "))];
}

/** Lines of at most that width. */
function wrapped(context, text, width) {
  const lines = [""];
  for (const word of text.split(/(?<=\s)|(?<=[\u3000-\u9fff])/)) {
    if (context.measureText(lines.at(-1) + word).width > width) lines.push("");
    lines[lines.length - 1] += word;
  }
  return lines;
}

function draw(result) {
  const stages = [...result.querySelectorAll(".viewer-stage")];
  const shown = stages.map((stage, number) => ({ canvas: stage.querySelector("canvas"), number }))
    .filter(({ canvas }) => canvas.clientWidth);
  const unit = shown[0].canvas.width / shown[0].canvas.clientWidth;
  const [gap, line] = [GAP * unit, LINE * unit];
  const widths = shown.map(({ canvas }) => canvas.width);
  const width = Math.max(widths.reduce((sum, one) => sum + one + gap, gap), 640 * unit);
  const tall = Math.max(...shown.map(({ canvas }) => canvas.height));
  const picture = document.createElement("canvas");
  const context = picture.getContext("2d");
  const set = (size, weight = 400) => {
    context.font = `${weight} ${size * unit}px ${getComputedStyle(document.body).fontFamily}`;
    context.direction = document.dir || "ltr";
    context.textAlign = "start";
  };
  const start = (x, room) => (document.dir === "rtl" ? x + room : x);
  set(13);
  const out = result.dataset.scope === "out";
  const heading = out ? t("style.out") : result.querySelector(".call h2").innerText;
  const legend = [result.querySelector(".viewer-note > p:last-child").innerText];
  const before = result.querySelector("[data-pretest]")?.valueAsNumber ?? EVEN; // moves the numbers
  if (!out && before !== EVEN) legend.unshift(`${t("pretest.label")} ${before}\u00a0%`);
  const drawn = result.querySelector(".drawn")?.innerText;
  if (drawn) legend.unshift(drawn);
  const foot = [...legend, t("use.purpose"), `${result.dataset.made} · ${new Date().toISOString().slice(0, 10)}`]
    .flatMap((text) => wrapped(context, text, width - 2 * gap));
  picture.width = width;
  picture.height = tall + (foot.length + 7.5) * line + gap;
  context.fillStyle = "#0c0e10";
  context.fillRect(0, 0, picture.width, picture.height);
  context.fillStyle = "#e7eaec";
  set(18, 650);
  context.fillText(heading, start(gap, width - 2 * gap), 1.4 * line);
  let x = gap;
  for (const { canvas, number } of shown) {
    context.drawImage(canvas, x, 2 * line);
    const [title, ...rest] = words(result, number);
    [title, ...rest].forEach((text, i) => {
      set(13, i ? 400 : 650);
      context.fillStyle = i ? "#98a2ab" : "#e7eaec";
      context.fillText(text, start(x, canvas.width), tall + (3 + i) * line, canvas.width);
    });
    if (out) {
      set(13, 650);
      context.fillStyle = "rgb(0 0 0 / 0.72)";
      context.fillRect(x, 2 * line, canvas.width, 1.3 * line);
      context.fillStyle = "#fff";
      context.fillText(t("style.out"), start(x + gap, canvas.width - 2 * gap), 2.9 * line);
    }
    x += canvas.width + gap;
  }
  set(13);
  context.fillStyle = "#98a2ab";
  foot.forEach((text, i) => context.fillText(text, start(gap, width - 2 * gap), tall + (7.5 + i) * line));
  return picture;
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-picture]");
  if (!button) return;
  draw(button.closest(".result")).toBlob((blob) => {
    const link = Object.assign(document.createElement("a"), { download: "film.png" });
    link.href = URL.createObjectURL(blob);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
});
