// The film viewer: one film and what each model used. It asks nothing of the server: viewer.py put
// film, evidence and colours into the element, and every control too. The script adds and removes
// no elements, since the page turns one result's elements into the next one's by comparing them.
//
// The flow: `mount` makes a Viewer of an element. An event changes `state` (`set`), nothing else.
// `refresh` then brings all in line with the state, once a frame: controls and words (viewer_words.js),
// then the canvases (viewer_draw.js). All panels show the same place: `zoom` and its centre `x`, `y`,
// which are fractions of the film, as are all places on a stage that events are told with.

import { draw, prepare } from "./viewer_draw.js";
import { listen } from "./viewer_events.js";
import { clamp, contour, greysOf, presetsOf } from "./viewer_pictures.js";
import { sync, text, told, write } from "./viewer_words.js";

const FRESH = { zoom: 1, x: 0.5, y: 0.5, brightness: 0, contrast: 0, invert: false };
const START = { active: 0, large: "", split: 50, windowing: false, sheet: false, hiding: false, box: null };
// of films side by side
const LINKED = [...Object.keys(FRESH), "opacity", "mode", "cells", "outline", "split", "active"];
const DEEPEST = 8;
const STEPS_BY_KEY = 16; // of the arrow keys, across a map

// The next film is shown with these as well.
const settings = { opacity: 70, mode: "side", cells: false, outline: false };
const viewers = new WeakMap();

const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

/** Films side by side do the same. */
function everyViewer(act) {
  for (const root of document.querySelectorAll(".viewer[data-mounted]")) act(viewers.get(root));
}

/** Rows and columns of numbers, from hundredths. */
function unpack({ columns, grid }) {
  const values = Float32Array.from(new Int16Array(bytes(grid).buffer), (value) => value / 100);
  return { rows: values.length / columns, columns, values };
}

class Viewer {
  constructor(root, previous) {
    const { heats, table, lungs, ...rest } = JSON.parse(root.dataset.viewer);
    Object.assign(this, { root, table: bytes(table), end: new AbortController() }, rest);
    this.state = { ...START, ...FRESH, ...settings };
    if (previous?.ident === this.ident) this.state = previous.state; // the same film again
    else if (root.closest("#desk.comparing")) everyViewer((viewer) => viewer !== previous && this.follow(viewer));
    this.panels = [...root.querySelectorAll(".viewer-panel")].map((figure, number) => {
      const part = (name) => figure.querySelector(name);
      const [stage, canvas, image] = [".viewer-stage", "canvas", "img"].map(part);
      const [map, spoke] = [heats[number - 1] && unpack(heats[number - 1]), part(".viewer-says")?.dataset.t];
      return { figure, part, stage, canvas, image, number, map, spoke };
    });
    this.lungs = lungs && unpack(lungs);
    this.outline = lungs && contour(this.lungs, 0.5);
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
    sync(this);
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
    everyViewer((viewer) => viewer !== this && viewer.set(Object.fromEntries(linked), true));
  }

  /** Do as that one does, of a film beside. */
  follow({ state }) {
    for (const key of LINKED) this.state[key] = state[key];
  }

  refresh() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      if (this.end.signal.aborted) return;
      sync(this);
      const seen = this.panels.some(({ stage }) => stage.clientWidth); // not of a comparison that is closed
      if (!this.source || !seen) return;
      prepare(this);
      for (const panel of this.panels) draw(this, panel);
    });
  }

  /** Left, top, width and height of the film on a stage of this size. */
  place(width, height) {
    const { zoom, x, y } = this.state;
    return [width * (0.5 - x * zoom), height * (0.5 - y * zoom), width * zoom, height * zoom];
  }

  /** Whether the panel shows the network's input. */
  showsInput = ({ number }) => Boolean(this.state[`input${number}`]);

  /** The cell of this panel's map that is pointed at. */
  marked(panel) {
    return this.cell?.panel === panel && !this.showsInput(panel) && this.cell;
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
    const about = { row: y + 1, column: x + 1, ...told(this, this.cell) };
    write(this.root.querySelector(".viewer-live"), text("cell_at", about));
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
  drag(dx, dy) {
    const brightness = clamp(this.state.brightness - 150 * dy, -100, 100);
    this.set({ brightness, contrast: clamp(this.state.contrast - 150 * dx, -100, 100) });
  }

  /** The window of the whole film, of its lungs, or of what is brighter than they: "bones". */
  preset = (what) => everyViewer((viewer) => viewer.usePreset(what));

  usePreset(what) {
    if (!this.source || !this.lungs) return;
    this.presets ??= presetsOf(this.source, this.lungs);
    this.set(this.presets[what], true);
  }

  enlarge = (number) => this.set({ large: this.state.large === number ? "" : number });

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
