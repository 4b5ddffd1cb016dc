// The first screen, which stands before the page until Gradio's scripts are there: a film that is given
// to it is taken once they are.

const screen = document.querySelector("#entrance");
let given = [];

function keep(files) {
  if (!files.length) return;
  given = [...files];
  const says = screen.querySelector("strong");
  says.dir = "auto";
  says.textContent = given.length > 1 ? `${given.length} × ${given[0].name}` : given[0].name;
}

const chosen = ({ target }) => screen.contains(target) && keep(target.files);
const pasted = ({ clipboardData }) => keep(clipboardData?.files ?? []);
const over = (event) => event.preventDefault();
const dropped = (event) => {
  event.preventDefault();
  keep(event.dataTransfer?.files ?? []);
};
const HEARD = { change: chosen, paste: pasted, dragover: over, drop: dropped };

const hear = (how) => Object.entries(HEARD).forEach(([name, listener]) => document[how](name, listener));
if (screen) {
  hear("addEventListener");
  keep(screen.querySelector("input").files); // chosen before this ran
}

/** The page is there: away with the first screen, and `give` what was given to it. */
export function enter(give) {
  if (!screen?.isConnected) return;
  hear("removeEventListener");
  screen.remove();
  give(given);
}
