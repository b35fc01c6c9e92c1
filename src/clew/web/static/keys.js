// The keys: comfort only, for everything they do is a link or a button as well. Their list is the dialog in layout.html.
"use strict";

(() => {
  const OFF = "clew:keys-off";
  const TRAIL = "clew:trail";
  const FOCUS = "clew:focus";
  const LONGEST_TRAIL = 20;
  const ROWS = "main :is(table.log, table.rows) tbody tr, main :is(.latest, .thread) > li, main [data-row]";

  const dialog = document.getElementById("keys");
  const isField = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;
  const here = () => location.pathname + location.search;

  // A row is what has a link and is seen; its link is the one that stands for the whole of it, else its first.
  function rowLinks() {
    const rows = [...document.querySelectorAll(ROWS)].filter((row) => row.checkVisibility());
    return rows.map((row) => row.querySelector(".event a[href], th a[href]") ?? row.querySelector("a[href]")).filter(Boolean);
  }

  function move(step) {
    const links = rowLinks();
    if (!links.length) return;
    const row = document.activeElement.closest(ROWS);
    const now = row ? links.findIndex((link) => row.contains(link)) : -1;
    const first = step > 0 ? 0 : links.length - 1;
    show(links[now < 0 ? first : Math.min(Math.max(now + step, 0), links.length - 1)]);
  }

  // "nearest" alone would leave the row under the banner, which stays at the top: the page's scroll-padding counts.
  function show(link) {
    link.focus({ preventScroll: true });
    link.closest(ROWS).scrollIntoView({ block: "nearest" });
  }

  // Storage may be forbidden: then the keys work without memory.
  function recall(storage, name) {
    try {
      return JSON.parse(storage.getItem(name));
    } catch {
      return null;
    }
  }

  function remember(storage, name, value) {
    try {
      storage.setItem(name, JSON.stringify(value));
    } catch {
      // as above
    }
  }

  // Each row that was opened: where it stood and where it led. Escape on the page it led to goes back there.
  function note(link) {
    const to = new URL(link.href);
    if (to.origin !== location.origin || to.pathname === location.pathname) return;
    const trail = recall(sessionStorage, TRAIL) ?? [];
    trail.push({ from: here(), to: to.pathname, href: link.getAttribute("href") });
    remember(sessionStorage, TRAIL, trail.slice(-LONGEST_TRAIL));
  }

  function back() {
    const trail = recall(sessionStorage, TRAIL) ?? [];
    const step = trail.findLastIndex((one) => one.to === location.pathname);
    if (step >= 0) {
      remember(sessionStorage, TRAIL, trail.slice(0, step));
      remember(sessionStorage, FOCUS, trail[step].href);
      location.assign(trail[step].from);
      return;
    }
    // Opened by a link from elsewhere: to the list in the navigation that it belongs to.
    const list = document.querySelector("nav.side a[aria-current]");
    if (list && new URL(list.href).pathname !== location.pathname) location.assign(list.href);
  }

  // Back on the list, the row that was opened has the focus again.
  function refocus() {
    const href = recall(sessionStorage, FOCUS);
    if (href === null) return;
    remember(sessionStorage, FOCUS, null);
    const link = rowLinks().find((one) => one.getAttribute("href") === href);
    if (link) show(link);
  }

  function closeOpen() {
    const open = document.activeElement.closest("details.pop[open]") ?? document.querySelector("details.pop[open]");
    if (!open) return false;
    open.open = false;
    open.querySelector("summary").focus();
    return true;
  }

  function escape(target) {
    if (closeOpen()) return true;
    if (isField(target)) {
      target.blur();
      return true;
    }
    back();
    return true;
  }

  function search() {
    const field = document.getElementById("search");
    field?.focus();
    field?.select();
    return Boolean(field);
  }

  const KEYS = {
    "/": search,
    j: () => move(1),
    k: () => move(-1),
    "?": () => dialog?.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (dialog?.open) return; // it has its own Escape, and nothing behind it may move
    if (event.key === "Escape") {
      if (escape(event.target)) event.preventDefault();
    } else if (Object.hasOwn(KEYS, event.key) && !isField(event.target) && !recall(localStorage, OFF)) {
      event.preventDefault();
      KEYS[event.key]();
    }
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (link?.closest(ROWS) && event.button === 0) note(link);
    if (event.target.closest("[data-keys]")) {
      closeOpen();
      dialog?.showModal();
    }
  });

  // Whoever speaks to the browser, or whose hand slips, can turn the single keys off.
  const choice = dialog?.querySelector("input");
  if (choice) {
    choice.checked = !recall(localStorage, OFF);
    choice.addEventListener("change", () => remember(localStorage, OFF, !choice.checked));
  }
  for (const button of document.querySelectorAll("[data-keys]")) button.hidden = false;
  refocus();
})();
