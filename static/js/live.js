/* Live refresh: asks only while the tab is visible, swaps only what changed.

   <div data-live="5" data-token="…" hx-get="…" hx-trigger="live" hx-swap="none">
   The answer is 204, or fragments to swap out of band and a new X-Live-Token. What
   the reader is in (an open menu, a selection, a control without id) is left alone, and
   asked for again. */

import { say } from "./announce.js";

const parts = () => [...document.querySelectorAll("[data-live]")];
let isPaused = false;

function light(isFresh) {
  document.querySelectorAll("[data-live-light]").forEach((box) => {
    const dot = box.querySelector(".dot");
    dot?.classList.toggle("dot-ok", isFresh);
    const label = box.querySelector("[data-live-text]");
    if (!label) return;
    if (isFresh) box.dataset.at = String(Date.now());
    const at = new Date(Number(box.dataset.at) || Date.now());
    const time = at.toLocaleTimeString(document.documentElement.lang);
    const text = isFresh ? box.dataset.fresh : box.dataset.stale;
    label.textContent = text.replace("{time}", time);
  });
}

function ask(part) {
  if (document.visibilityState !== "visible" || isPaused || part.dataset.busy) return;
  window.htmx?.trigger(part, "live");
}

for (const part of parts()) {
  const every = Number(part.dataset.live) * 1000;
  setInterval(() => ask(part), every);
}
document.addEventListener("visibilitychange", () => parts().forEach(ask));
document.addEventListener("console:refresh", () => parts().forEach(ask));

document.addEventListener("htmx:configRequest", (event) => {
  const part = event.detail.elt;
  if (part.hasAttribute("data-live")) {
    part.dataset.busy = "1";
    part.dataset.asked = part.dataset.token;
    event.detail.parameters.token = part.dataset.token || "";
  }
});
let held = false;
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const target = event.detail.target;
  if (!target || target.id === "toasts") return;
  const focus = document.activeElement;
  const isBusy = target.querySelector(":popover-open, dialog[open], [data-select]:checked")
    || (focus && focus !== document.body && target.contains(focus)
      && (!focus.id || focus.matches("input, select, textarea")));
  if (isBusy) {
    event.detail.shouldSwap = false;
    held = true;
  }
});
document.addEventListener("htmx:afterRequest", (event) => {
  const part = event.detail.elt;
  if (!part.hasAttribute?.("data-live")) return;
  delete part.dataset.busy;
  const { xhr } = event.detail;
  const isGood = xhr.status === 200 || xhr.status === 204;
  light(isGood);
  if (!isGood) return;
  const token = xhr.getResponseHeader("X-Live-Token");
  if (token && !held) part.dataset.token = token;
  held = false;
  if (xhr.status === 200) say(xhr.getResponseHeader("X-Live-Summary") || "");
});
document.addEventListener("htmx:sendError", (event) => {
  const part = event.detail.elt;
  if (!part.hasAttribute?.("data-live")) return;
  delete part.dataset.busy;
  light(false);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-live-pause]");
  if (!button) return;
  isPaused = !isPaused;
  button.setAttribute("aria-pressed", String(isPaused));
  if (!isPaused) parts().forEach(ask);
});
