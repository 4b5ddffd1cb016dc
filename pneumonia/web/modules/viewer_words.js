// The controls and words of the film viewer, brought in line with its state; viewer.js says when.

import { keysOf } from "./keys.js";
import { t } from "./language.js";
import { paint, windowOf } from "./viewer_pictures.js";

const KEYS = ["zoomIn", "zoomOut", "fit", "pan"];
const KEYS_OF_BOX = ["hideMove", "hideSize", "hideAway"];

export const text = (key, values) => t(`viewer.${key}`, values);

export function write(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

export function sync(viewer) {
  const { root, state, panels } = viewer;
  const part = (selector) => root.querySelector(selector);
  for (const input of root.querySelectorAll("[data-set]")) {
    const value = String(state[input.dataset.set]);
    if (input.type === "radio") input.checked = input.value === value;
    else input.value = value;
  }
  for (const button of root.querySelectorAll("[data-toggle]")) {
    button.setAttribute("aria-pressed", Boolean(state[button.dataset.toggle]));
  }
  for (const button of root.querySelectorAll("[data-enlarge]")) {
    button.setAttribute("aria-pressed", button.dataset.enlarge === String(state.large));
  }
  const tool = state.hiding ? "hide" : state.windowing ? "window" : state.zoom > 1 ? "pan" : "";
  Object.assign(root.dataset, { mode: state.mode, large: state.large, sheet: state.sheet, tool });
  part(".viewer-hint").hidden = !state.hiding;
  part(".viewer-outlined").hidden = !(state.outline && viewer.outline);
  part(".viewer-levels").hidden = !state.windowing;
  const fullscreen = part("[data-do=fullscreen]");
  fullscreen.hidden = !document.fullscreenEnabled;
  fullscreen.setAttribute("aria-pressed", document.fullscreenElement === root);
  write(part(".viewer-keys"), keysOf(state.hiding ? KEYS_OF_BOX : KEYS));
  write(part(".viewer-opacity"), `${Math.round(state.opacity)}\u00a0%`);
  write(part(".viewer-zoom"), `${Math.round(100 * state.zoom)}\u00a0%`);
  syncLegend(viewer, part(".viewer-legend canvas").getContext("2d"));
  const levels = text("wl", inValues(windowOf(state.brightness, state.contrast), viewer.ends));
  write(part(".viewer-wl"), levels);
  for (const panel of panels) {
    panel.figure.classList.toggle("large", String(panel.number) === state.large);
    panel.figure.classList.toggle("active", panel.number === Number(state.active) + 1);
    const isDefault = !state.brightness && !state.contrast;
    write(panel.part(".viewer-readout"), isDefault ? "" : levels);
    if (panel.map) syncEvidence(viewer, panel);
  }
}

/** A window of greys in a film's own values, which are `black` at 0 and `white` at 255. */
function inValues({ width, level }, [black, white]) {
  const step = (white - black) / 255;
  const digits = Math.min(Math.max(0, Math.ceil(-Math.log10(2 * Math.abs(step) || 1))), 100);
  const round = (value) => Number(value.toFixed(digits));
  return { width: round(Math.abs(width * step)), level: round(black + level * step) };
}

/** The ramp as it looks over a film of middle grey. */
function syncLegend({ state, shade, full, table }, context) {
  const values = Float32Array.from({ length: 255 }, (_, i) => ((i - 127) / 127) * full);
  const share = state.opacity / 100;
  const grey = 128 * (1 - shade * share);
  context.globalAlpha = 1;
  context.fillStyle = `rgb(${grey} ${grey} ${grey})`;
  context.fillRect(0, 0, 255, 1);
  context.globalAlpha = share;
  context.drawImage(paint({ rows: 1, columns: 255, values }, table, full), 0, 0);
}

function syncEvidence(viewer, panel) {
  const { stage, part, image } = panel;
  const { split } = viewer.state;
  stage.style.setProperty("--split", `${split}%`);
  part(".viewer-divider").setAttribute("aria-valuenow", Math.round(split));
  const [says, input] = [part(".viewer-says"), viewer.showsInput(panel)];
  says.dataset.t = input ? "" : panel.spoke; // only the script knows the numbers in these words
  write(says, input ? text("input", { size: image.naturalWidth || "…" }) : t(panel.spoke));
  const chip = part(".viewer-cell");
  const cell = viewer.marked(panel);
  chip.hidden = !cell;
  if (cell) write(chip, text("cell", told(viewer, cell)));
}

/** What a cell did to the probability, in words and in log-odds. */
export function told({ steps, faint }, { panel, row, column }) {
  const style = { minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: "exceptZero" };
  const value = panel.map.values[row * panel.map.columns + column];
  const language = document.documentElement.lang || undefined;
  const size = Math.abs(value);
  const key = `${value > 0 ? "raises" : "lowers"}_${steps.filter((step) => size >= step).length}`;
  return {
    says: text(size < faint ? "quiet" : key),
    value: value.toLocaleString(language, style).replace("-", "\u2212"),
  };
}
