/* Single keys; off by the reader's choice, silent in fields and dialogs. */

import { show } from "./dialogs.js";

const TYPING = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
let waitsFor = 0;

function search() {
  return document.querySelector("[data-search]") || document.getElementById("global-search");
}

function go(name) {
  const address = document.getElementById("key-targets")?.dataset[name];
  if (address) window.location.assign(address);
}

function press(selector) {
  const target = document.querySelector(selector);
  if (!target || target.getAttribute("aria-disabled") === "true") return false;
  target.click();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (document.body.dataset.singleKeys === "off") return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest(TYPING) || document.querySelector("dialog[open]")) return;
  if (event.target.closest("[popover]")) return;
  const key = event.key;
  if (Date.now() < waitsFor) {
    waitsFor = 0;
    const place = { w: "workflows", e: "events", m: "monitoring", s: "schedules", a: "audit" }[key];
    if (place) {
      event.preventDefault();
      go(place);
    }
    return;
  }
  if (key === "g") {
    waitsFor = Date.now() + 1500;
  } else if (key === "/") {
    event.preventDefault();
    const field = search();
    if (field && "palette" in field.dataset) field.click();
    else field?.select();
  } else if (key === "?") {
    event.preventDefault();
    show(document.getElementById("keys"));
  } else if ("spr".includes(key) && key.length === 1) {
    if (press(`[data-key="${key}"]`)) event.preventDefault();
  }
});
