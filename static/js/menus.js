/* Popover menus: placed beside their button, arrows move in them. */

function opener(menu) {
  return document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`);
}

function place(menu) {
  const button = opener(menu);
  if (!button) return;
  menu.classList.add("is-placed");
  const edge = button.getBoundingClientRect();
  const size = menu.getBoundingClientRect();
  const room = document.documentElement.clientWidth;
  let left = edge.right - size.width;
  if (left < 8) left = Math.min(edge.left, room - size.width - 8);
  let top = edge.bottom;
  if (top + size.height > window.innerHeight - 8) {
    top = Math.max(8, edge.top - size.height - 8);
  }
  menu.style.left = `${Math.max(8, left)}px`;
  menu.style.top = `${top}px`;
}

function items(menu) {
  return [...menu.querySelectorAll("a.menu-item, button.menu-item")];
}

document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!menu.matches?.(".menu[popover]")) return;
  if (event.newState === "open") {
    place(menu);
    if (menu.matches(":not(:focus-within)")) items(menu)[0]?.focus({ preventScroll: true });
  }
}, true);

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.(".menu[popover]");
  if (!menu) return;
  const all = items(menu);
  const at = all.indexOf(document.activeElement);
  const moves = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 };
  if (!(event.key in moves)) return;
  event.preventDefault();
  all[(moves[event.key] + all.length) % all.length]?.focus();
});

window.addEventListener("scroll", () => {
  document.querySelectorAll(".menu:popover-open").forEach(place);
}, { passive: true });

/* What may not be done is focusable, so that its reason can be read, but inert. */
document.addEventListener("click", (event) => {
  if (event.target.closest('[aria-disabled="true"]')) event.preventDefault();
}, true);
