// What the film viewer draws, as functions of pixels and numbers; viewer.js decides what and when.

const SMOOTH = 512; // pixels along a smooth map, which is stretched over the film
const FINE = 40; // rows from which the borders of the cells would hide the film

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

function blank(width, height) {
  return Object.assign(document.createElement("canvas"), { width, height });
}

/** The grey levels 0..255 of a loaded image: `{ width, height, greys }`. */
export function greysOf(image) {
  const { naturalWidth: width, naturalHeight: height } = image;
  const context = blank(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const greys = new Uint8Array(width * height);
  for (let i = 0; i < greys.length; i++) greys[i] = data[4 * i];
  return { width, height, greys };
}

/** The window that brightness and contrast, -100..100, stand for, in grey levels. */
export function windowOf(brightness, contrast) {
  return { width: 255 * 2 ** (-contrast / 40), level: 127.5 - 1.275 * brightness };
}

/** Brightness and contrast for the whole film, its lungs, and what is brighter than they. */
export function presetsOf({ width, height, greys }, { rows, columns, values }) {
  const inside = (i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return values[Math.floor((y * rows) / height) * columns + Math.floor((x * columns) / width)] > 0.5;
  };
  const at = (sorted, share) => sorted[Math.floor(share * sorted.length)] ?? 255 * share;
  const between = (sorted) => {
    const [low, high] = [at(sorted, 0.01), at(sorted, 0.99)];
    const [brightness, contrast] = [(255 - low - high) / 2.55, 40 * Math.log2(255 / Math.max(high - low, 1))];
    return { brightness: clamp(brightness, -100, 100), contrast: clamp(contrast, -100, 100) };
  };
  const lungs = greys.filter((_, i) => inside(i)).sort();
  const middle = at(lungs, 0.5);
  const bones = greys.filter((grey, i) => grey > middle && !inside(i)).sort();
  return { film: { brightness: 0, contrast: 0 }, lungs: between(lungs), bones: between(bones) };
}

/** The film as a canvas of its own size, seen through a window, and inverted if asked for. */
export function tone({ width, height, greys }, { brightness, contrast, invert }) {
  const window = windowOf(brightness, contrast);
  const shown = Uint8ClampedArray.from(
    { length: 256 },
    (_, grey) => 255 * ((grey - window.level) / window.width + 0.5),
  );
  const canvas = blank(width, height);
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const opaque = Uint32Array.from(shown, (v) => 0xff000000 + 0x10101 * (invert ? 255 - v : v));
  for (let i = 0; i < pixels.length; i++) pixels[i] = opaque[greys[i]];
  context.putImageData(image, 0, 0);
  return canvas;
}

/** For each pixel along one side: the two cells it lies between, and how far along. */
function places(pixels, cells) {
  return Array.from({ length: pixels }, (_, i) => {
    const at = clamp(((i + 0.5) * cells) / pixels - 0.5, 0, cells - 1);
    return [Math.floor(at), Math.min(Math.floor(at) + 1, cells - 1), at % 1];
  });
}

/** `{ rows, columns, values }` on a finer grid of `side` by `side`, bilinear. */
export function smooth({ rows, columns, values }, side = SMOOTH) {
  const fine = new Float32Array(side * side);
  const across = places(side, columns);
  let i = 0;
  for (const [above, below, v] of places(side, rows)) {
    const [up, down] = [above * columns, below * columns];
    for (const [left, right, u] of across) {
      const upper = values[up + left] * (1 - u) + values[up + right] * u;
      const lower = values[down + left] * (1 - u) + values[down + right] * u;
      fine[i++] = upper * (1 - v) + lower * v;
    }
  }
  return { rows: side, columns: side, values: fine };
}

/**
 * Evidence as a see-through canvas, one pixel a cell: warm above 0, cool below. `table`: 256 RGBA
 * colours for either side, on an absolute scale: `full` and more is drawn at full strength.
 */
export function paint({ rows, columns, values }, table, full) {
  const canvas = blank(columns, rows);
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  const pixels = new Uint32Array(image.data.buffer);
  const colours = new Uint32Array(table.buffer);
  values.forEach((value, i) => {
    const strength = Math.round(255 * Math.min(Math.abs(value) / full, 1));
    pixels[i] = colours[(value < 0 ? 256 : 0) + strength];
  });
  context.putImageData(image, 0, 0);
  return canvas;
}

/** Where values cross `level`, as a path in fractions of the whole (marching squares). */
export function contour({ rows, columns, values }, level) {
  const segments = [];
  const cross = (a, b) => (level - a) / (b - a);
  for (let y = 0; y < rows - 1; y++) {
    for (let x = 0; x < columns - 1; x++) {
      const i = y * columns + x;
      const [a, b, c, d] = [i, i + 1, i + columns + 1, i + columns].map((at) => values[at]);
      const ends = []; // on the edges: above, right, below, left
      if (a < level !== b < level) ends.push([x + cross(a, b), y]);
      if (b < level !== c < level) ends.push([x + 1, y + cross(b, c)]);
      if (d < level !== c < level) ends.push([x + cross(d, c), y + 1]);
      if (a < level !== d < level) ends.push([x, y + cross(a, d)]);
      const places = ends.map(([u, v]) => [(u + 0.5) / columns, (v + 0.5) / rows]);
      for (let end = 0; end + 1 < places.length; end += 2) segments.push(places.slice(end, end + 2));
    }
  }
  return joined(segments);
}

/** Segments as one path, each end to end with its neighbours, so that dashes can run along it. */
function joined(segments) {
  const path = new Path2D();
  const at = new Map(); // end of a segment -> the segments that meet there
  for (const segment of segments) {
    for (const end of segment) at.set(`${end}`, [...(at.get(`${end}`) ?? []), segment]);
  }
  const left = new Set(segments);
  const follow = (place) => {
    path.lineTo(...place);
    const next = at.get(`${place}`).find((segment) => left.delete(segment));
    return next && next.find((end) => `${end}` !== `${place}`);
  };
  const loose = segments.filter((segment) => segment.some((end) => at.get(`${end}`).length === 1));
  for (const segment of [...loose, ...segments]) {
    if (!left.has(segment)) continue;
    let place = segment.find((end) => at.get(`${end}`).length === 1) ?? segment[0];
    path.moveTo(...place);
    while (place) place = follow(place);
  }
  return path;
}

/** Contours over the film: in one line where the probability was raised, dashed where lowered. */
export function drawContours(context, { raised, lowered }, [x, y, width, height], unit) {
  const toFilm = new DOMMatrix([width, 0, 0, height, x, y]);
  for (const [paths, dashes] of [[raised, []], [lowered, [4 * unit, 3 * unit]]]) {
    const lines = new Path2D();
    for (const path of paths) lines.addPath(path, toFilm);
    context.setLineDash(dashes);
    stroke(context, lines, unit, 0.75);
  }
  context.setLineDash([]);
}

/** The outline of the lungs, a path in fractions of the film. */
export function drawOutline(context, path, [x, y, width, height], unit) {
  const line = new Path2D();
  line.addPath(path, new DOMMatrix([width, 0, 0, height, x, y]));
  stroke(context, line, 2 * unit, 0.9);
}

/** What the network got, with its own pixels and its own square shape, in the middle of `box`. */
export function drawInput(context, image, [x, y, width, height]) {
  const side = Math.min(width, height);
  context.fillRect(x, y, width, height);
  context.imageSmoothingEnabled = false;
  context.drawImage(image, x + (width - side) / 2, y + (height - side) / 2, side, side);
}

/** The borders of the cells, light on dark so that they show on any film, and one cell marked. */
export function drawCells(context, rows, columns, [x, y, width, height], unit, marked) {
  const lines = new Path2D();
  if (rows <= FINE) {
    for (let i = 1; i < columns; i++) lines.rect(x + (width * i) / columns, y, 0, height);
    for (let i = 1; i < rows; i++) lines.rect(x, y + (height * i) / rows, width, 0);
  }
  stroke(context, lines, unit, 0.4);
  if (!marked) return;
  const cell = new Path2D();
  const [wide, tall] = [width / columns, height / rows];
  cell.rect(x + wide * marked.column, y + tall * marked.row, wide, tall);
  stroke(context, cell, 2 * unit, 1);
}

function stroke(context, path, width, strength) {
  for (const [colour, wider] of [["0 0 0", 2], ["255 255 255", 1]]) {
    context.strokeStyle = `rgb(${colour} / ${strength})`;
    context.lineWidth = width * wider;
    context.stroke(path);
  }
}
