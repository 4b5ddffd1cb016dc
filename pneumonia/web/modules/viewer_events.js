// What a visitor does with the film viewer: mouse, fingers, keys. Each event ends in calls of the
// Viewer of viewer.js; places and ways on a stage are told as fractions of its width and height.

import { listenHide } from "./hide_box.js";
import { ARROWS, pressed } from "./keys.js";
import { clamp } from "./viewer_pictures.js";

const SLIDES = { ArrowLeft: -2, ArrowDown: -2, ArrowRight: 2, ArrowUp: 2 };
Object.assign(SLIDES, { PageDown: -10, PageUp: 10, Home: -100, End: 100 });

export function listen(viewer, signal) {
  const on = (name, act) => viewer.root.addEventListener(name, act, { signal });
  on("input", ({ target }) => {
    const { set } = target.dataset;
    if (set) viewer.set({ [set]: target.type === "range" ? Number(target.value) : target.value });
  });
  on("click", ({ target }) => {
    const { toggle, do: action, on: what, enlarge } = target.closest("button")?.dataset ?? {};
    if (toggle) viewer.set({ [toggle]: !viewer.state[toggle] });
    if (toggle === "hiding") viewer.set({ windowing: false, sheet: false });
    if (toggle === "windowing") viewer.set({ hiding: false });
    if (action) viewer[action](what);
    if (enlarge) viewer.enlarge(enlarge);
  });
  listenHide(viewer, signal);
  on("fullscreenchange", () => viewer.refresh());
  for (const panel of viewer.panels) {
    gestures(viewer, panel, signal);
    keys(viewer, panel, signal);
    if (panel.map) divider(viewer, panel, signal);
  }
}

/** Mouse and fingers on a stage: pan, pinch, wheel, window, point at a cell. */
function gestures(viewer, panel, signal) {
  const { stage } = panel;
  const down = new Map(); // the pointers that are down and where they are
  const on = (name, act) => stage.addEventListener(name, act, { signal });
  const own = (event) => !event.target.closest("button, .viewer-divider");
  const at = ({ clientX, clientY }) => {
    const { left, top, width, height } = stage.getBoundingClientRect();
    return [(clientX - left) / width, (clientY - top) / height];
  };
  const apart = ([x1, y1], [x2, y2]) =>
    Math.hypot((x1 - x2) * stage.clientWidth, (y1 - y2) * stage.clientHeight);

  on("pointerdown", (event) => {
    if (!own(event)) return;
    viewer.point(panel, at(event));
    down.set(event.pointerId, at(event));
    stage.setPointerCapture(event.pointerId);
  });
  on("pointermove", (event) => {
    const [before, here] = [down.get(event.pointerId), at(event)];
    if (!before) return viewer.point(panel, here);
    down.set(event.pointerId, here);
    const [dx, dy] = [here[0] - before[0], here[1] - before[1]];
    const [other] = [...down].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    if (other) {
      const middle = [(here[0] + other[0]) / 2, (here[1] + other[1]) / 2];
      viewer.zoomBy(apart(here, other) / Math.max(apart(before, other), 1), middle);
      viewer.pan(dx / 2, dy / 2);
    } else if (viewer.state.windowing || event.buttons === 2) viewer.drag(dx, dy);
    else viewer.pan(dx, dy);
  });
  on("pointerup", (event) => down.delete(event.pointerId));
  on("pointercancel", (event) => down.delete(event.pointerId));
  on("pointerleave", (event) => event.pointerType === "mouse" && viewer.unpoint());
  on("blur", () => viewer.unpoint());
  on("contextmenu", (event) => event.preventDefault());
  on("dblclick", (event) => own(event) && viewer.set({ brightness: 0, contrast: 0 }));
  on("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    viewer.zoomBy(Math.exp(-clamp(event.deltaY, -30, 30) / 100), at(event));
  });
}

function keys(viewer, panel, signal) {
  panel.stage.addEventListener("keydown", (event) => {
    if (event.target !== panel.stage) return;
    const arrow = pressed(event, "pan") && ARROWS[event.key];
    if (arrow && viewer.state.cells && panel.map) viewer.step(panel, arrow);
    else if (arrow && viewer.state.zoom > 1) viewer.pan(-0.1 * arrow[0], -0.1 * arrow[1]);
    else if (pressed(event, "zoomIn")) viewer.zoomIn();
    else if (pressed(event, "zoomOut")) viewer.zoomOut();
    else if (pressed(event, "fit")) viewer.look({ zoom: 1 });
    else return;
    event.preventDefault();
  }, { signal });
}

function divider(viewer, { stage, part }, signal) {
  const handle = part(".viewer-divider");
  const on = (name, act) => handle.addEventListener(name, act, { signal });
  const move = (split) => viewer.set({ split: clamp(split, 0, 100) });
  on("pointerdown", (event) => handle.setPointerCapture(event.pointerId));
  on("pointermove", (event) => {
    const { left, width } = stage.getBoundingClientRect();
    if (handle.hasPointerCapture(event.pointerId)) move((100 * (event.clientX - left)) / width);
  });
  on("keydown", (event) => {
    if (!pressed(event, "slide")) return;
    event.preventDefault();
    move(viewer.state.split + SLIDES[event.key]);
  });
}
