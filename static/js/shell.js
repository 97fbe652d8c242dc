/* Side tree, toasts, progress line, forms that send themselves. */

import { say } from "./announce.js";

const frame = document.getElementById("frame");
const side = document.getElementById("side");
const KEY = "console.side";

function applyWidth(choice) {
  frame.classList.toggle("side-narrow", choice === "narrow");
  frame.classList.toggle("side-wide", choice === "wide");
}

const toggle = document.querySelector("[data-side-toggle]");
if (toggle && frame) {
  toggle.hidden = false;
  applyWidth(localStorage.getItem(KEY));
  const isNarrow = () => side.getBoundingClientRect().width < 100;
  toggle.setAttribute("aria-pressed", String(isNarrow()));
  toggle.addEventListener("click", () => {
    const choice = isNarrow() ? "wide" : "narrow";
    localStorage.setItem(KEY, choice);
    applyWidth(choice);
    toggle.setAttribute("aria-pressed", String(choice === "narrow"));
  });
}

let opener = null;
function openSide(button) {
  opener = button;
  side.classList.add("is-open");
  side.querySelector("a")?.focus();
}
function closeSide() {
  if (!side?.classList.contains("is-open")) return;
  side.classList.remove("is-open");
  opener?.focus();
}
document.addEventListener("click", (event) => {
  const open = event.target.closest("[data-side-open]");
  if (open) {
    event.preventDefault();
    openSide(open);
    return;
  }
  if (event.target.closest("[data-side-close]")) {
    event.preventDefault();
    closeSide();
    return;
  }
  if (side?.classList.contains("is-open") && !event.target.closest("#side")) closeSide();
  event.target.closest("[data-dismiss]")?.closest(".toast-note")?.remove();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeSide();
});

/* A toast that reports no fault leaves by itself, unless the reader is on it. */
const STAY = 9000;
function arm(toast) {
  if (toast.dataset.armed || toast.matches(".toast-bad, .toast-warn")) return;
  toast.dataset.armed = "1";
  const leave = () => {
    if (toast.matches(":hover, :focus-within")) setTimeout(leave, 2000);
    else toast.remove();
  };
  setTimeout(leave, STAY);
}
const toasts = document.getElementById("toasts");
if (toasts) {
  toasts.querySelectorAll(".toast-note").forEach(arm);
  new MutationObserver(() => toasts.querySelectorAll(".toast-note").forEach(arm))
    .observe(toasts, { childList: true });
}

/* A thin line when a fragment takes longer than 300 ms. */
const line = document.getElementById("progress-line");
let timer = 0;
const quiet = (event) => event.detail?.elt?.hasAttribute?.("data-live");
document.addEventListener("htmx:beforeRequest", (event) => {
  if (quiet(event)) return;
  clearTimeout(timer);
  timer = setTimeout(() => line?.classList.add("is-on"), 300);
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (quiet(event)) return;
  clearTimeout(timer);
  line?.classList.remove("is-on");
});

/* Refusals carry their own words; show them instead of swallowing them. */
document.addEventListener("htmx:beforeSwap", (event) => {
  const status = event.detail.xhr.status;
  if (status >= 400 && status < 500 && event.detail.serverResponse.includes("hx-swap-oob")) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});
document.addEventListener("htmx:responseError", (event) => {
  if (!quiet(event)) say(toasts?.dataset.failed || event.detail.xhr.statusText);
});

document.addEventListener("change", (event) => {
  const field = event.target.closest("[data-submit-on-change]");
  field?.form?.requestSubmit();
});
document.documentElement.classList.add("has-script");
