// The film viewer: one film and what each model used. It asks nothing of the server: viewer.py put
// film, evidence and colours into the element, and every control too. The script adds and removes
// no elements, since the page turns one result's elements into the next one's by comparing them.
//
// The flow: `mount` makes a Viewer of an element. An event changes `state` (`set`), nothing else.
// `refresh` then brings all in line with the state, once a frame: the controls and words (`sync`),
// the film's greys and the heat's colours where what they depend on has changed (`prepare`), and
// the canvases (`draw`). All panels show the same place: `zoom` and its centre `x`, `y`, which are
// fractions of the film, as are all places on a stage that events are told with.

import { t } from "./language.js";
import { drawBox } from "./hide_box.js";
import { listen } from "./viewer_events.js";
import {
  clamp, contour, drawCells, drawContours, drawInput, drawOutline, greysOf, paint, smooth, tone, windowOf,
} from "./viewer_pictures.js";

const FRESH = { zoom: 1, x: 0.5, y: 0.5, brightness: 0, contrast: 0, invert: false };
const START = { active: 0, large: "", split: 50, windowing: false, sheet: false, hiding: false, box: null };
const LINKED = [...Object.keys(FRESH), "opacity", "mode", "cells", "outline", "split"]; // of films side by side
const DEEPEST = 8;
const LINES = 128; // cells along a side among which contour lines are sought
const STEPS_BY_KEY = 16; // of the arrow keys, across a map

// The next film is shown with these as well.
const settings = { opacity: 70, mode: "side", cells: false, outline: false };
const viewers = new WeakMap();

const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

/** Rows and columns of numbers, from hundredths. */
function unpack({ columns, grid }) {
  const values = Float32Array.from(new Int16Array(bytes(grid).buffer), (value) => value / 100);
  return { rows: values.length / columns, columns, values };
}

function write(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

class Viewer {
  constructor(root, previous) {
    const { heats, table, lungs, ...told } = JSON.parse(root.dataset.viewer);
    Object.assign(this, { root, table: bytes(table), end: new AbortController() }, told);
    this.state = { ...START, ...FRESH, ...settings };
    if (previous?.ident === this.ident) this.state = previous.state; // the same film again
    this.panels = [...root.querySelectorAll(".viewer-panel")].map((figure, number) => {
      const part = (name) => figure.querySelector(name);
      const [stage, canvas, image] = [".viewer-stage", "canvas", "img"].map(part);
      return { figure, part, stage, canvas, image, number, map: heats[number - 1] && unpack(heats[number - 1]) };
    });
    this.outline = lungs && contour(unpack(lungs), 0.5);
    this.evident = this.panels.filter((panel) => panel.map);
    this.sizes = new ResizeObserver(() => this.refresh());
    listen(this, this.end.signal);
    this.load();
  }

  leave() {
    this.end.abort();
    this.sizes.disconnect();
  }

  async load() {
    this.sync();
    try {
      await Promise.all(this.panels.map((panel) => panel.image.decode()));
    } catch {
      return; // another film has come in between
    }
    if (this.end.signal.aborted) return;
    this.source = greysOf(this.panels[0].image);
    for (const { stage } of this.panels) this.sizes.observe(stage); // which also draws at first
  }

  set(changes, alone = false) {
    Object.assign(this.state, changes);
    for (const [key, value] of Object.entries(changes)) {
      if (key in settings) settings[key] = value;
    }
    this.refresh();
    const linked = Object.entries(changes).filter(([key]) => LINKED.includes(key));
    if (alone || !linked.length) return;
    for (const root of document.querySelectorAll(".viewer[data-mounted]")) {
      if (root !== this.root) viewers.get(root)?.set(Object.fromEntries(linked), true);
    }
  }

  refresh() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      if (this.end.signal.aborted) return;
      this.sync();
      if (!this.source) return;
      this.prepare();
      for (const panel of this.panels) this.draw(panel);
    });
  }

  prepare() {
    const { brightness, contrast, invert, cells } = this.state;
    const toned = [brightness, contrast, invert].join();
    if (this.toned !== toned) this.film = tone(this.source, this.state);
    this.toned = toned;
    if (this.painted === cells) return;
    for (const panel of this.evident) {
      panel.layer = paint(cells ? panel.map : smooth(panel.map), this.table, this.full);
      const coarse = (panel.coarse ??= smooth(panel.map, LINES));
      const lines = (levels) => levels.map((level) => contour(coarse, level));
      panel.lines ??= { raised: lines(this.steps), lowered: lines(this.steps.map((l) => -l)) };
    }
    this.painted = cells;
  }

  /** Left, top, width and height of the film on a stage of this size. */
  place(width, height) {
    const { zoom, x, y } = this.state;
    return [width * (0.5 - x * zoom), height * (0.5 - y * zoom), width * zoom, height * zoom];
  }

  draw(panel) {
    const { stage, canvas, map } = panel;
    const density = Math.min(devicePixelRatio, 2);
    const sides = [stage.clientWidth, stage.clientHeight];
    const size = sides.map((side) => Math.round(side * density));
    const [width, height] = size;
    if (!width || !height) return;
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const { mode, split } = this.state;
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.clearRect(0, 0, width, height);
    context.drawImage(this.film, ...this.place(...size));
    if (map) {
      context.save();
      context.beginPath();
      context.rect(mode === "slider" ? (width * split) / 100 : 0, 0, width, height);
      context.clip();
      this.drawEvidence(context, panel, this.place(...size), density);
      context.restore();
    }
    if (this.showsInput(panel)) return;
    const { box, outline } = this.state;
    if (outline && this.outline) drawOutline(context, this.outline, this.place(...size), density);
    if (box) drawBox(context, box, this.place(...size), density);
  }

  drawEvidence(context, panel, box, density) {
    const { opacity, cells } = this.state;
    if (this.showsInput(panel)) return drawInput(context, panel.image, box);
    context.fillStyle = `rgb(0 0 0 / ${(this.shade * opacity) / 100})`;
    context.fillRect(...box);
    context.globalAlpha = opacity / 100;
    context.imageSmoothingEnabled = !cells;
    context.drawImage(panel.layer, ...box);
    if (!cells) drawContours(context, panel.lines, box, density);
    context.globalAlpha = 1;
    const { rows, columns } = panel.map;
    if (cells) drawCells(context, rows, columns, box, density, this.marked(panel));
  }

  /** Whether the panel shows the network's input. */
  showsInput = ({ number }) => Boolean(this.state[`input${number}`]);

  /** The cell of this panel's map that is pointed at. */
  marked(panel) {
    return this.cell?.panel === panel && !this.showsInput(panel) && this.cell;
  }

  sync() {
    const { root, state } = this;
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
    root.dataset.mode = state.mode;
    root.dataset.large = state.large;
    root.dataset.sheet = state.sheet;
    root.dataset.tool = state.hiding ? "hide" : state.windowing ? "window" : state.zoom > 1 ? "pan" : "";
    part(".viewer-hint").hidden = !state.hiding;
    part(".viewer-outlined").hidden = !state.outline;
    part(".viewer-levels").hidden = !state.windowing;
    const fullscreen = part("[data-do=fullscreen]");
    fullscreen.hidden = !document.fullscreenEnabled;
    fullscreen.setAttribute("aria-pressed", document.fullscreenElement === root);
    write(part(".viewer-opacity"), `${Math.round(state.opacity)}\u00a0%`);
    write(part(".viewer-zoom"), `${Math.round(100 * state.zoom)}\u00a0%`);
    this.syncLegend(part(".viewer-legend canvas").getContext("2d"));
    const { width, level } = windowOf(state.brightness, state.contrast);
    const levels = this.text("wl", { width: Math.round(width), level: Math.round(level) });
    write(part(".viewer-wl"), levels);
    for (const panel of this.panels) {
      panel.figure.classList.toggle("large", String(panel.number) === state.large);
      panel.figure.classList.toggle("active", panel.number === Number(state.active) + 1);
      const isDefault = !state.brightness && !state.contrast;
      write(panel.part(".viewer-readout"), isDefault ? "" : levels);
      if (panel.map) this.syncEvidence(panel);
    }
  }

  /** The ramp as it looks over a film of middle grey. */
  syncLegend(context) {
    const values = Float32Array.from({ length: 255 }, (_, i) => ((i - 127) / 127) * this.full);
    const share = this.state.opacity / 100;
    const grey = 128 * (1 - this.shade * share);
    context.globalAlpha = 1;
    context.fillStyle = `rgb(${grey} ${grey} ${grey})`;
    context.fillRect(0, 0, 255, 1);
    context.globalAlpha = share;
    context.drawImage(paint({ rows: 1, columns: 255, values }, this.table, this.full), 0, 0);
  }

  syncEvidence(panel) {
    const { stage, part, image } = panel;
    stage.style.setProperty("--split", `${this.state.split}%`);
    part(".viewer-divider").setAttribute("aria-valuenow", Math.round(this.state.split));
    const says = part(".viewer-says");
    if (this.showsInput(panel)) {
      panel.spoke ??= says.dataset.t;
      delete says.dataset.t; // only the script knows the numbers in these words
      write(says, this.text("input", { size: image.naturalWidth || "…" }));
    } else if (panel.spoke) {
      says.dataset.t = panel.spoke;
      write(says, t(panel.spoke));
    }
    const chip = part(".viewer-cell");
    const cell = this.marked(panel);
    chip.hidden = !cell;
    if (!cell) return;
    write(chip, this.text("cell", this.says(cell)));
  }

  /** What a cell did to the probability, in words and in log-odds. */
  says({ panel, row, column }) {
    const style = { minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: "exceptZero" };
    const value = panel.map.values[row * panel.map.columns + column];
    const language = document.documentElement.lang || undefined;
    const size = Math.abs(value);
    const key = `${value > 0 ? "raises" : "lowers"}_${this.steps.filter((s) => size >= s).length}`;
    return {
      says: this.text(size < this.faint ? "quiet" : key),
      value: value.toLocaleString(language, style).replace("-", "\u2212"),
    };
  }

  /** The pointer is here: mark the cell below it. */
  point(panel, [u, v]) {
    if (!panel.map) return;
    const { rows, columns } = panel.map;
    const [x, y, width, height] = this.place(1, 1);
    const row = clamp(Math.floor(((v - y) / height) * rows), 0, rows - 1);
    const column = clamp(Math.floor(((u - x) / width) * columns), 0, columns - 1);
    this.cell = { panel, row, column };
    this.refresh();
  }

  unpoint() {
    this.cell = undefined;
    this.refresh();
  }

  /** To the next cell by keyboard, or some cells further on a fine map, which is said aloud. */
  step(panel, [dx, dy]) {
    const { rows, columns } = panel.map;
    const [far, deep] = [columns, rows].map((n) => Math.max(1, Math.round(n / STEPS_BY_KEY)));
    const { row, column } = this.marked(panel) || { row: -dy * deep, column: -dx * far };
    this.cell = {
      panel,
      row: clamp(row + dy * deep, 0, rows - 1),
      column: clamp(column + dx * far, 0, columns - 1),
    };
    const [y, x] = [this.cell.row, this.cell.column];
    const about = { row: y + 1, column: x + 1, ...this.says(this.cell) };
    write(this.root.querySelector(".viewer-live"), this.text("cell_at", about));
    this.look({ x: (x + 0.5) / columns, y: (y + 0.5) / rows });
  }

  /** Look somewhere else, never past the film's edge. */
  look({ zoom = this.state.zoom, x = this.state.x, y = this.state.y }) {
    const edge = 0.5 / zoom;
    this.set({ zoom, x: clamp(x, edge, 1 - edge), y: clamp(y, edge, 1 - edge) });
  }

  zoomBy(factor, [u, v] = [0.5, 0.5]) {
    const zoom = clamp(this.state.zoom * factor, 1, DEEPEST);
    const gain = 1 / this.state.zoom - 1 / zoom; // what is under the pointer stays there
    this.look({ zoom, x: this.state.x + (u - 0.5) * gain, y: this.state.y + (v - 0.5) * gain });
  }

  pan(dx, dy) {
    const { zoom, x, y } = this.state;
    this.look({ x: x - dx / zoom, y: y - dy / zoom });
  }

  /** Dragged as at a workstation: to the right widens the window, up brightens. */
  level(dx, dy) {
    const brightness = clamp(this.state.brightness - 150 * dy, -100, 100);
    this.set({ brightness, contrast: clamp(this.state.contrast - 150 * dx, -100, 100) });
  }

  enlarge = (number) => this.set({ large: this.state.large === number ? "" : number });

  text(key, values = {}) {
    return t(`viewer.${key}`, values);
  }

  zoomIn = () => this.zoomBy(1.5);
  zoomOut = () => this.zoomBy(1 / 1.5);
  reset = () => this.set(FRESH);
  fullscreen = () =>
    document.fullscreenElement ? document.exitFullscreen() : this.root.requestFullscreen();
}

function mount(root) {
  const previous = viewers.get(root);
  if (previous && "mounted" in root.dataset) return previous.refresh();
  previous?.leave();
  viewers.set(root, new Viewer(root, previous));
  root.dataset.mounted = ""; // goes with the other attributes when the next result takes over
}

/** Brings every viewer in or at `root` to life; those that live take over new words and sizes. */
function mountViewers(root = document) {
  if (root.matches?.(".viewer[data-viewer]")) mount(root);
  root.querySelectorAll(".viewer[data-viewer]").forEach(mount);
}

new MutationObserver((changes) => {
  for (const { target, addedNodes } of changes) {
    if (target === document.documentElement) mountViewers();
    else if (viewers.has(target) && !target.dataset.viewer) viewers.get(target).leave();
    else if (target.dataset?.viewer && !("mounted" in target.dataset)) mount(target);
    for (const node of addedNodes) if (node instanceof Element) mountViewers(node);
  }
}).observe(document, {
  attributeFilter: ["data-viewer", "data-mounted", "lang"], childList: true, subtree: true,
});
mountViewers();
