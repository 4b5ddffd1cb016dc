// What lies on the film viewer's canvases, by its state; viewer.js says when, viewer_pictures.js how.

import { drawBox } from "./hide_box.js";
import {
  contour, drawCells, drawContours, drawInput, drawOutline, paint, smooth, tone,
} from "./viewer_pictures.js";

const LINES = 128; // cells along a side among which contour lines are sought

/** The film's greys and the heat's colours, where what they depend on has changed. */
export function prepare(viewer) {
  const { state, evident, steps, table, full } = viewer;
  const { brightness, contrast, invert, cells } = state;
  const toned = [brightness, contrast, invert].join();
  if (viewer.toned !== toned) viewer.film = tone(viewer.source, state);
  viewer.toned = toned;
  if (viewer.painted === cells) return;
  for (const panel of evident) {
    panel.layer = paint(cells ? panel.map : smooth(panel.map), table, full);
    const coarse = (panel.coarse ??= smooth(panel.map, LINES));
    const lines = (levels) => levels.map((level) => contour(coarse, level));
    panel.lines ??= { raised: lines(steps), lowered: lines(steps.map((step) => -step)) };
  }
  viewer.painted = cells;
}

export function draw(viewer, panel) {
  const { stage, canvas, map } = panel;
  const density = Math.min(devicePixelRatio, 2);
  const [width, height] = ["Width", "Height"].map((side) => Math.round(stage[`client${side}`] * density));
  if (!width || !height) return;
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const { mode, split, box, outline } = viewer.state;
  const place = viewer.place(width, height);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.clearRect(0, 0, width, height);
  context.drawImage(viewer.film, ...place);
  if (map) {
    context.save();
    context.beginPath();
    context.rect(mode === "slider" ? (width * split) / 100 : 0, 0, width, height);
    context.clip();
    drawEvidence(viewer, context, panel, place, density);
    context.restore();
  }
  if (viewer.showsInput(panel)) return;
  if (outline && viewer.outline) drawOutline(context, viewer.outline, place, density);
  if (box) drawBox(context, box, place, density);
}

function drawEvidence(viewer, context, panel, place, density) {
  const { opacity, cells } = viewer.state;
  if (viewer.showsInput(panel)) return drawInput(context, panel.image, place);
  context.fillStyle = `rgb(0 0 0 / ${(viewer.shade * opacity) / 100})`;
  context.fillRect(...place);
  context.globalAlpha = opacity / 100;
  context.imageSmoothingEnabled = !cells;
  context.drawImage(panel.layer, ...place);
  if (!cells) drawContours(context, panel.lines, place, density);
  context.globalAlpha = 1;
  const { rows, columns } = panel.map;
  if (cells) drawCells(context, rows, columns, place, density, viewer.marked(panel));
}
