// What the film viewer draws, as functions of pixels and numbers; viewer.js decides what and when.

const SMOOTH = 512; // pixels along a smooth heat layer, which is stretched over the film

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

/**
 * Evidence as a see-through canvas. Colour and opacity grow with the strength on an absolute
 * scale: `full` and more is drawn at full strength, 0 and less not at all.
 *
 * `grid`: rows of numbers. `table`: 256 RGB colours. `native`: one pixel a cell, else bilinear.
 */
export function paint(grid, table, full, native) {
  const [rows, columns] = [grid.length, grid[0].length];
  const canvas = native ? blank(columns, rows) : blank(SMOOTH, SMOOTH);
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const across = places(canvas.width, columns);
  let i = 0;
  for (const [above, below, v] of places(canvas.height, rows)) {
    for (const [left, right, u] of across) {
      const upper = grid[above][left] * (1 - u) + grid[above][right] * u;
      const lower = grid[below][left] * (1 - u) + grid[below][right] * u;
      const strength = Math.round(255 * clamp((upper * (1 - v) + lower * v) / full, 0, 1));
      image.data.set(table.subarray(3 * strength, 3 * strength + 3), i);
      image.data[i + 3] = strength;
      i += 4;
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
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
  for (let i = 1; i < columns; i++) lines.rect(x + (width * i) / columns, y, 0, height);
  for (let i = 1; i < rows; i++) lines.rect(x, y + (height * i) / rows, width, 0);
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
