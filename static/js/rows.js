/* Lists: j and k move, x selects, Enter opens; the bar shows what is selected. */

const TYPING = "input:not([type=checkbox]), textarea, select";

function rows() {
  return [...document.querySelectorAll("[data-rows] tbody tr[data-row]")];
}

function current() {
  return document.querySelector("tr.is-current");
}

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(current());
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  current()?.classList.remove("is-current");
  next.classList.add("is-current");
  next.querySelector("[data-open]")?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (document.body.dataset.singleKeys === "off") return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest(TYPING) || document.querySelector("dialog[open]")) return;
  if (event.target.closest("[popover]")) return;
  if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "x") current()?.querySelector("[data-select]")?.click();
});
document.addEventListener("focusin", (event) => {
  const row = event.target.closest?.("[data-rows] tr[data-row]");
  if (row && row !== current()) {
    current()?.classList.remove("is-current");
    row.classList.add("is-current");
  }
});

function boxes(list) {
  return [...list.querySelectorAll("[data-select]")];
}

function showSelection(list) {
  const all = boxes(list);
  const count = all.filter((box) => box.checked).length;
  const whole = list.querySelector("[data-select-all]");
  if (whole) {
    whole.hidden = false;
    whole.checked = count > 0 && count === all.length;
    whole.indeterminate = count > 0 && count < all.length;
  }
  const bar = list.querySelector("[data-selection]");
  if (!bar) return;
  const other = list.querySelector("[data-filters]");
  bar.hidden = count === 0;
  if (other) other.hidden = count > 0;
  const text = bar.querySelector("[data-selection-count]");
  if (text) text.textContent = text.dataset.text.replace("{n}", String(count));
}

document.addEventListener("change", (event) => {
  const list = event.target.closest("[data-rows]");
  if (!list) return;
  if (event.target.matches("[data-select-all]")) {
    boxes(list).forEach((box) => { box.checked = event.target.checked; });
  } else if (!event.target.matches("[data-select]")) {
    return;
  }
  showSelection(list);
});
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-select-none]")) return;
  const list = event.target.closest("[data-rows]");
  boxes(list).forEach((box) => { box.checked = false; });
  showSelection(list);
});
document.querySelectorAll("[data-rows]").forEach(showSelection);

/* A wide diagram opens where something is going on. */
document.querySelectorAll("[data-diagram]").forEach((wrap) => {
  const node = wrap.querySelector(".mark-error, .mark-run");
  if (!node || wrap.scrollWidth <= wrap.clientWidth) return;
  const box = node.getBoundingClientRect();
  const frame = wrap.getBoundingClientRect();
  if (box.right > frame.right) wrap.scrollLeft += box.right - frame.right + 40;
});
