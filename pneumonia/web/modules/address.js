// What the address says: #tab=many&film=NAME&lang=ar. Nothing is stored; a link can carry it all.
// ?lang=ar says the language too, for those who write a link by hand.

/** The address as a map; what the fragment says counts before what the query says. */
export function said() {
  const all = new URLSearchParams(location.search);
  for (const [key, value] of new URLSearchParams(location.hash.slice(1))) all.set(key, value);
  return all;
}

/** Say these things in the address too (null: no longer); `push` makes a step for Back. */
export function say(changes, push = false) {
  const fragment = new URLSearchParams(location.hash.slice(1));
  for (const [key, value] of Object.entries(changes)) {
    if (value) fragment.set(key, value);
    else fragment.delete(key);
  }
  const url = new URL(location.href); // not a bare "#…": that would follow <base>
  url.hash = fragment.toString();
  if (url.href === location.href) return;
  if (push) history.pushState(history.state, "", url);
  else history.replaceState(history.state, "", url);
}
