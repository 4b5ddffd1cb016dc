// Gradio's first loading sign counts seconds on when it is gone, at every frame for ever. So who counts
// is called ten times a second, and only while there is a sign. This stands in the page's head.
{
  const SIGN = "[data-testid=status-tracker]:not(.hide)";
  const next = window.requestAnimationFrame.bind(window);
  const count = (draw) => document.querySelector(SIGN) && next(draw);
  window.requestAnimationFrame = (draw) =>
    String(draw).includes("performance.now()") ? setTimeout(count, 100, draw) : next(draw);
}
