// Comfort only: every page works without this file.
"use strict";

// "/" goes to the search, as on many a page with one; Escape leaves it and closes what is open.
document.addEventListener("keydown", (event) => {
  const field = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !field && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const search = document.getElementById("search");
    if (search) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  } else if (event.key === "Escape") {
    if (event.target.id === "search") event.target.blur();
    const open = event.target.closest("details.pop[open]") ?? document.querySelector("details.pop[open]");
    if (open) {
      open.open = false;
      open.querySelector("summary").focus();
    }
  }
});

// Copying needs a script, so its buttons are hidden until one runs.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
}

// A click elsewhere closes a drop-down; opening one puts the cursor into its first field.
document.addEventListener("click", (event) => {
  for (const pop of document.querySelectorAll("details.pop[open]")) {
    if (!pop.contains(event.target)) pop.open = false;
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) copyText(copy);
});
document.addEventListener(
  "toggle",
  (event) => {
    if (event.target.matches("details.pop[open]")) event.target.querySelector("input, select")?.focus();
  },
  true,
);

async function copyText(button) {
  await navigator.clipboard.writeText(button.dataset.copy);
  const before = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = before), 1200);
}

// Fields left empty stay out of the URL, so that a link to a list says only what it asks.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-lean]")) return;
  for (const field of event.target.elements) {
    if (field.name && field.value === "") field.disabled = true;
  }
});
window.addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("form[data-lean] :disabled")) field.disabled = false;
});
