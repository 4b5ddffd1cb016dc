// The tool that hides a part of the film: a box, drawn by mouse, finger or keys over any panel. Once
// it rests, the viewer's element gets the event "hide" with the box, or null where there is none:
// left, top, right, bottom in shares of the film's sides. What comes of it: hide_answer.js.

import { ARROWS, pressed } from "./keys.js";
import { clamp } from "./viewer_pictures.js";

const FIRST = [0.4, 0.4, 0.6, 0.6]; // the box with which the keys begin
const STEP = 0.02;
const LEAST = 0.02; // side of a box; less is a slip of the hand

/** The box between two places. */
const span = ([x1, y1], [x2, y2]) =>
  [Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)];

/** The box moved, and never beyond the film. */
function moved([left, top, right, bottom], [dx, dy]) {
  const [x, y] = [clamp(dx, -left, 1 - right), clamp(dy, -top, 1 - bottom)];
  return [left + x, top + y, right + x, bottom + y];
}

const sized = ([left, top, right, bottom], [dx, dy]) =>
  [left, top, clamp(right + dx, left + LEAST, 1), clamp(bottom + dy, top + LEAST, 1)];

/** Lets a visitor draw on the stages of a Viewer for as long as its state says so. */
export function listenHide(viewer, signal) {
  const { root } = viewer;
  let drag = null; // { from, box }: where it began, and the box that is moved, if one is
  const settle = () => {
    root.dispatchEvent(new CustomEvent("hide", { bubbles: true, detail: viewer.state.box }));
  };
  const on = (name, act) => root.addEventListener(name, (event) => {
    const stage = event.target.closest?.(".viewer-stage");
    if (!stage || !viewer.state.hiding || event.target.closest("button, .viewer-divider")) return;
    act(event, stage);
  }, { signal, capture: true }); // before the film is moved by the same hand
  const at = ({ clientX, clientY }, stage) => {
    const { left, top, width, height } = stage.getBoundingClientRect();
    const [x, y, wide, tall] = viewer.place(width, height);
    return [(clientX - left - x) / wide, (clientY - top - y) / tall].map((v) => clamp(v, 0, 1));
  };

  on("pointerdown", (event, stage) => {
    event.stopPropagation();
    if (!event.isPrimary || event.button) return;
    const [from, { box }] = [at(event, stage), viewer.state];
    const inside = box && from[0] > box[0] && from[0] < box[2] && from[1] > box[1] && from[1] < box[3];
    drag = { from, box: inside ? box : null };
    stage.setPointerCapture(event.pointerId);
  });
  on("pointermove", (event, stage) => {
    event.stopPropagation();
    if (!drag || !event.isPrimary) return;
    const here = at(event, stage);
    const way = here.map((v, side) => v - drag.from[side]);
    viewer.set({ box: drag.box ? moved(drag.box, way) : span(drag.from, here) });
  });
  on("pointerup", (event) => {
    if (!drag || !event.isPrimary) return;
    drag = null;
    const { box } = viewer.state;
    if (box && Math.min(box[2] - box[0], box[3] - box[1]) < LEAST) viewer.set({ box: null });
    settle();
  });
  on("pointercancel", () => { drag = null; });
  on("keydown", (event) => {
    const [arrow, { box }] = [pressed(event, "hideMove") && ARROWS[event.key], viewer.state];
    if (!arrow && !pressed(event, "hideAway")) return;
    if (!arrow && !box) return; // nothing to take away: Escape means something else
    event.preventDefault();
    event.stopPropagation();
    const way = arrow ? arrow.map((v) => v * STEP) : [0, 0];
    const next = box ? (pressed(event, "hideSize") ? sized : moved)(box, way) : FIRST;
    viewer.set({ box: arrow ? next : null });
    settle();
  });
  document.addEventListener("answer", () => { // of a film that they do not know the models say nothing
    const { hiding, box } = viewer.state;
    if (!(hiding || box) || !root.closest("[data-scope=out]")) return;
    viewer.set({ hiding: false, box: null });
    settle();
  }, { signal });
  root.addEventListener("click", ({ target }) => {
    if (target.closest("[data-toggle=hiding]") && !viewer.state.hiding && viewer.state.box) {
      viewer.set({ box: null });
      settle();
    }
  }, { signal });
}

/** The hidden part: dark, with an edge that shows on any film. */
export function drawBox(context, [left, top, right, bottom], [x, y, width, height], unit) {
  const place = [x + left * width, y + top * height, (right - left) * width, (bottom - top) * height];
  context.fillStyle = "rgb(0 0 0 / 0.6)";
  context.fillRect(...place);
  for (const [colour, wide] of [["#000", 4], ["#fff", 2]]) {
    context.strokeStyle = colour;
    context.lineWidth = wide * unit;
    context.strokeRect(...place);
  }
}
