/* Pages outside the shell: a language that is chosen is taken at once. */

document.documentElement.classList.add("has-script");
document.addEventListener("change", (event) => {
  event.target.closest("[data-submit-on-change]")?.form?.requestSubmit();
});
