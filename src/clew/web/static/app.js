// Comfort only: every page works without this file.
"use strict";

// Copying needs a script, so its buttons are hidden until one runs.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
}

// A click elsewhere closes a drop-down; opening one puts the cursor into its first field. One that would reach out of the
// window on the right hangs from the other end.
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
    const pop = event.target;
    if (!pop.matches("details.pop[open]")) return;
    const reach = pop.querySelector(".menu").getBoundingClientRect().right;
    if (reach > document.documentElement.clientWidth) pop.classList.add("end");
    pop.querySelector("input:not([type=hidden]), select")?.focus();
  },
  true,
);

async function copyText(button) {
  const { copy, copyOf } = button.dataset; // what is written on the button, or the text of something else
  await navigator.clipboard.writeText(copy || document.getElementById(copyOf).textContent);
  const before = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = before), 1200);
}

// The zone that this browser is in, for who wants times in it.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
for (const button of document.querySelectorAll("[data-local-zone]")) button.value = zone;

// Fields left empty stay out of the URL, so that a link to a list says only what it asks; so does what says something
// about fields that are all empty, as the zone about From and To.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-lean]")) return;
  const { elements } = event.target;
  for (const field of elements) {
    const others = field.dataset.with?.split(" ").map((name) => elements[name]?.value ?? "");
    if (field.name && (field.value === "" || others?.every((value) => value === ""))) field.disabled = true;
  }
});
// A choice that is whole by itself is sent at once. Custom needs From or To first.
document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-submits]") && event.target.value !== "custom") event.target.form.requestSubmit();
});
window.addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("form[data-lean] :disabled")) field.disabled = false;
});
