/* The command palette: a combobox over what the server finds. */

import { say } from "./announce.js";
import { ask, show } from "./dialogs.js";

const palette = document.getElementById("palette");
const input = document.getElementById("palette-input");
const body = document.getElementById("palette-body");
const WAIT = 120;
let timer = 0;
let asked = 0;
let chosen = -1;

const options = () => [...body.querySelectorAll("[role=option]")];

function choose(index) {
  const all = options();
  all[chosen]?.setAttribute("aria-selected", "false");
  chosen = all.length ? (index + all.length) % all.length : -1;
  const option = all[chosen];
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) input.setAttribute("aria-activedescendant", option.id);
  else input.removeAttribute("aria-activedescendant");
}

async function find() {
  const number = ++asked;
  const address = `${input.dataset.address}?q=${encodeURIComponent(input.value)}`;
  try {
    const answer = await fetch(address, { headers: { "X-Requested-With": "palette" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const text = await answer.text();
    if (number !== asked) return;
    body.innerHTML = text;
    chosen = -1;
    choose(0);
  } catch {
    say(input.dataset.failed);
  }
}

/* A command asks first, in a dialog of its own; everything else is a page. */
function follow(option) {
  if (!option) return;
  palette.close();
  if ("asks" in option.dataset) ask(option.dataset.url, document.activeElement);
  else window.location.assign(option.dataset.url);
}

function open() {
  if (palette.open || document.querySelector("dialog[open]")) return;
  show(palette);
  input.select();
  find();
}

input?.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(find, WAIT);
});
input?.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
  } else if (event.key === "Enter") {
    event.preventDefault();
    follow(options()[chosen]);
  }
});
body?.addEventListener("click", (event) => follow(event.target.closest("[role=option]")));
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    open();
  }
});
document.querySelector("[data-palette]")?.addEventListener("click", (event) => {
  event.preventDefault();
  open();
});
