/* Command buttons act in place: the answer is a toast, then the page refreshes. */

document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  if (!form.matches?.("form[data-command]") || !button || !window.htmx) return;
  if (button.name === "preview") return;
  event.preventDefault();
  if (button.getAttribute("aria-disabled") === "true" || button.dataset.busy) return;
  const values = new FormData(form, button);  // keeps what is chosen twice
  const address = button.getAttribute("formaction") || form.getAttribute("action");
  button.dataset.busy = "1";
  button.closest("[popover]")?.hidePopover();
  button.closest("dialog")?.close();
    window.htmx.ajax("POST", address, { source: document.body, values, swap: "none" })
    .finally(() => { delete button.dataset.busy; });
});
