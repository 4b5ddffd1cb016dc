// Questions to the server, one at a time: of those asked meanwhile only the last is asked next.
// page.py tells, of each component that asks, when it was answered and when there is no answer.

/** What happens when that component was answered, and when the server failed it. */
export function whenAnswered(name, answered, failed) {
  for (const [what, act] of Object.entries({ answered, failed })) {
    document.addEventListener(what, ({ detail }) => detail === name && act());
  }
}

export class Turns {
  asked = null; // what an answer is waited for
  next = null;
  send = () => {}; // asks the server

  /** @param failed what else happens when the server failed, and nothing else was asked. */
  constructor(name, failed = () => {}) {
    whenAnswered(name, () => this.go(), () => this.go() || failed());
  }

  ask(what) {
    this.next = what;
    if (!this.asked) this.go();
  }

  go() {
    [this.asked, this.next] = [this.next, null];
    if (this.asked) this.send(this.asked);
    return Boolean(this.asked);
  }
}
