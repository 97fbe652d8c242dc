/* Lets the clocks of a page tick on from the server's time, each in its own zone. */

const known = new WeakMap();

function tick() {
  if (document.visibilityState !== "visible") return;
  document.querySelectorAll("time[data-clock]").forEach((node) => {
    let clock = known.get(node);
    if (!clock) {
      // The reader's own clock may be wrong: only its pace counts.
      clock = {
        ahead: new Date(node.dateTime) - Date.now(),
        format: new Intl.DateTimeFormat("en-GB", { timeZone: node.dataset.clock,
          hour: "2-digit", minute: "2-digit", second: "2-digit" }),
      };
      known.set(node, clock);
    }
    node.textContent = clock.format.format(new Date(Date.now() + clock.ahead));
  });
}
setInterval(tick, 1000);
