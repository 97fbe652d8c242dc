/* Selects of time zones: a text filter above, and the browser's zone proposed. */

for (const select of document.querySelectorAll("select[data-zones]")) {
  const filter = document.createElement("input");
  filter.type = "search";
  filter.className = "control";
  filter.autocomplete = "off";
  filter.setAttribute("aria-label", select.dataset.zones);
  filter.placeholder = select.dataset.zones;
  select.before(filter);
  filter.addEventListener("input", () => {
    const words = filter.value.trim().toLowerCase().replaceAll(" ", "_");
    for (const option of select.options) {
      option.hidden =
        words !== "" &&
        !option.selected &&
        !`${option.value} ${option.text}`.toLowerCase().replaceAll(" ", "_").includes(words);
    }
    for (const group of select.querySelectorAll("optgroup")) {
      group.hidden = [...group.children].every((option) => option.hidden);
    }
  });
}

const proposal = document.querySelector("[data-browser-zone]");
const choice = document.querySelector("select[data-zones]");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (proposal && choice && choice.value !== zone) {
  if ([...choice.options].some((option) => option.value === zone)) {
    const button = proposal.querySelector("[data-use-zone]");
    button.textContent = zone;
    proposal.hidden = false;
    button.addEventListener("click", () => {
      choice.value = zone;
      proposal.hidden = true;
    });
  }
}
