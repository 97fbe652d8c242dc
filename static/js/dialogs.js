/* Confirmations in a dialog instead of on a page of their own.

   A form or link with data-confirm asks the server for its confirmation page, and
   its <form data-confirm-body> is shown in a dialog. Without script it is the page. */

let opener = null;

export function show(dialog, from) {
  opener = from || document.activeElement;
  dialog.showModal();
}

document.addEventListener("close", (event) => {
  if (event.target.matches?.("dialog")) {
    opener?.focus?.();
    if (event.target.dataset.once) event.target.remove();
  }
}, true);

export async function ask(address, from) {
  const answer = await fetch(address, { headers: { "X-Requested-With": "dialog" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const body = page.querySelector("[data-confirm-body]");
  if (!body) {
    window.location.assign(address);
    return;
  }
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  dialog.dataset.once = "1";
  dialog.setAttribute("aria-labelledby", "confirm-title");
  dialog.append(document.adoptNode(body));
  document.body.append(dialog);
  window.htmx?.process(dialog);
  show(dialog, from);
  (dialog.querySelector("[data-harmless]") || dialog.querySelector("button")).focus();
}

document.addEventListener("click", (event) => {
  const closer = event.target.closest("dialog [data-close-dialog], dialog [data-harmless]");
  if (closer) {
    event.preventDefault();
    closer.closest("dialog").close();
    return;
  }
  const button = event.target.closest("[data-open-dialog]");
  if (button) {
    button.closest("[popover]")?.hidePopover();
    show(document.getElementById(button.dataset.openDialog), button);
    return;
  }
  const asks = event.target.closest("a[data-confirm]");
  if (asks && asks.getAttribute("aria-disabled") !== "true" && !event.metaKey && !event.ctrlKey) {
    event.preventDefault();
    const menu = asks.closest("[popover]");
    const from = menu ? document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`) : asks;
    menu?.hidePopover();
    ask(asks.href, from);
  }
  if (event.target.matches?.("dialog.dialog")) event.target.close();
});
