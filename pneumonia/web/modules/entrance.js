// The first screen, which stands before the page until Gradio's scripts are there: films that are given
// to it are taken once they are. It comes first, so it imports nothing.

const MOST = 1001; // files of folders that are dropped: one more than a batch has, so that this is said
const screen = document.querySelector("#entrance");
let kept = [[], []]; // files, and where each lies in a folder that was dropped
let taken = null; // by whom, once the page is there
let turn = 0; // of what was given: a folder takes its time

function keep(files, folders = []) {
  if (!files.length) return;
  if (taken) return taken([...files], folders); // from a folder that took its time
  kept = [[...files], folders];
  const says = screen.querySelector("strong");
  says.dir = "auto";
  says.textContent = files.length > 1 ? `${files.length} × ${files[0].name}` : files[0].name;
}

/** A turn: whether nothing was given after it. */
export function given() {
  const mine = ++turn;
  return () => mine === turn;
}

/** What was dropped: its files, and where each lies in a folder, if any was dropped. */
export async function dropped({ dataTransfer }) {
  const files = [...(dataTransfer?.files ?? [])];
  const items = [...(dataTransfer?.items ?? [])];
  const entries = items.map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [files, []];
  const found = await filesBelow(entries);
  return [0, 1].map((i) => found.map((pair) => pair[i]));
}

/** The files below dropped folders, in order, each as `[file, path]`; hidden ones do not count. */
async function filesBelow(entries) {
  const found = [];
  const walk = async (entry) => {
    if (found.length >= MOST || entry.name.startsWith(".")) return;
    if (entry.isFile) {
      const file = await new Promise((done) => entry.file(done, () => done(null)));
      if (file) found.push([file, entry.fullPath.replace(/^\//, "")]);
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((done) => reader.readEntries(done, () => done([])));
      if (!some.length) return; // a browser hands out a hundred at a time
      for (const child of some) await walk(child);
    }
  };
  for (const entry of entries) await walk(entry);
  return found;
}

const chosen = ({ target }) => screen.contains(target) && given() && keep(target.files);
const pasted = ({ clipboardData }) => clipboardData?.files.length && given() && keep(clipboardData.files);
const over = (event) => event.preventDefault();
const drop = (event) => {
  event.preventDefault();
  const last = given();
  dropped(event).then((all) => last() && keep(...all));
};
const HEARD = { change: chosen, paste: pasted, dragover: over, drop };

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
  taken = give;
  give(...kept);
}
