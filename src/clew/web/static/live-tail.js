// <live-tail>: puts new rows on top of the list that it stands before, as the server sends them, and says how many.
// The list itself is the truth: a reload shows the same rows.
"use strict";

(() => {
  const MOST_ROWS = 200; // as in `web/logs/live.py`
  const FLUSH_EVERY_MS = 500;
  // How often the summary may change: it is read aloud.
  const SAY_EVERY_MS = 5_000;
  const RELOADED = "clew:live-reloaded";
  const pointer = matchMedia("(hover: hover)");

  class LiveTail extends HTMLElement {
    #source;
    #timer;
    #after = "";
    #waiting = [];
    #changed = new Map();
    #shown = 0;
    #missing = 0;
    #isMissingMore = false;
    #isWaiting = false;
    #trouble = "";
    #saidAt = 0;
    #onVisibility = () => (document.hidden ? this.#disconnect() : this.#connect());
    #onHide = () => this.#disconnect();
    #onShow = (event) => event.persisted && this.#connect();

    connectedCallback() {
      this.body = this.closest("section").querySelector("table.log tbody");
      this.most = Math.max(MOST_ROWS, this.body?.rows.length ?? 0);
      document.addEventListener("visibilitychange", this.#onVisibility);
      // A page that the browser keeps for "back" must not keep its connection.
      window.addEventListener("pagehide", this.#onHide);
      window.addEventListener("pageshow", this.#onShow);
      this.#timer = setInterval(() => this.#flush(), FLUSH_EVERY_MS);
      if (!document.hidden) this.#connect();
    }

    disconnectedCallback() {
      document.removeEventListener("visibilitychange", this.#onVisibility);
      window.removeEventListener("pagehide", this.#onHide);
      window.removeEventListener("pageshow", this.#onShow);
      clearInterval(this.#timer);
      this.#disconnect();
    }

    #connect() {
      if (this.#source) return;
      const url = new URL(this.dataset.src, location.href);
      if (this.#after) url.searchParams.set("after", this.#after);
      this.#source = new EventSource(url);
      this.#source.addEventListener("open", () => this.#trouble && this.#tell(""));
      this.#source.addEventListener("record", (event) => this.#take(event));
      this.#source.addEventListener("changed", (event) => this.#change(event));
      this.#source.addEventListener("dropped", (event) => this.#miss(event));
      this.#source.addEventListener("error", () => this.#fail());
      this.#say();
    }

    #disconnect() {
      this.#source?.close();
      this.#source = undefined;
    }

    // The browser connects again by itself, unless it was refused.
    #fail() {
      const isOver = this.#source?.readyState === EventSource.CLOSED;
      this.#tell(isOver ? "Live has ended: reload the page to go on." : "The connection is lost, and is tried again.");
    }

    #tell(trouble) {
      this.#trouble = trouble;
      this.#say();
    }

    #take(event) {
      this.#after = event.lastEventId;
      this.#waiting.push(event.data);
      if (this.#waiting.length > MOST_ROWS) {
        this.#waiting.shift();
        this.#missing += 1;
      }
    }

    // What a row led to is known later than the row.
    #change(event) {
      const [row] = rowsOf([event.data]);
      this.#changed.delete(row.dataset.id);
      this.#changed.set(row.dataset.id, row);
      if (this.#changed.size > this.most) this.#changed.delete(this.#changed.keys().next().value);
    }

    #miss(event) {
      this.#after = event.lastEventId;
      const { count } = JSON.parse(event.data);
      if (count === null) this.#isMissingMore = true;
      else this.#missing += count;
    }

    // Rows must not move under the pointer, under a selection, or under who walks through them with the keys.
    #isHeld() {
      if (!this.body) return false;
      const selection = getSelection();
      return (
        (pointer.matches && this.body.matches(":hover")) ||
        this.body.contains(document.activeElement) ||
        (!selection.isCollapsed && this.body.contains(selection.anchorNode))
      );
    }

    #flush() {
      const isBusy = (this.#waiting.length > 0 || this.#changed.size > 0) && this.#isHeld();
      const isHeld = isBusy && this.#waiting.length > 0;
      if (this.#waiting.length && !isBusy) {
        if (this.body) this.#show(this.#waiting.splice(0));
        else this.#begin();
      }
      if (!isBusy) this.#update();
      const hasTurned = isHeld !== this.#isWaiting;
      this.#isWaiting = isHeld;
      if (hasTurned || performance.now() - this.#saidAt >= SAY_EVERY_MS) this.#say();
    }

    #show(texts) {
      for (const row of rowsOf(texts)) {
        // The list may have it already: what came while the page was made, or a run that was open and has ended.
        const before = this.#find(row);
        if (before) before.remove();
        if (this.#insert(row)) this.#shown += before ? 0 : 1;
        else this.#missing += 1;
      }
      while (this.body.rows.length > this.most) this.body.rows[this.body.rows.length - 1].remove();
    }

    // Where a reload has it: the newest first, whenever they came, for an id begins with its time. Open runs stay above.
    // What belongs behind the last row of a list that goes on with older ones is not of this page.
    #insert(row) {
      const next = [...this.body.rows].find((other) => !isOpen(other) && other.dataset.id < row.dataset.id);
      if (!next && "hasOlder" in this.dataset) return false;
      this.body.insertBefore(row, next ?? null);
      return true;
    }

    #update() {
      for (const row of this.#changed.values()) {
        const before = this.body && this.#find(row);
        if (before && before.outerHTML !== row.outerHTML) before.replaceWith(row);
      }
      this.#changed.clear();
    }

    #find(row) {
      return [...this.body.rows].find((other) => other.dataset.id === row.dataset.id);
    }

    // The list was empty and has no table: the server makes one. Once, or a list that stays empty would not rest.
    #begin() {
      this.#waiting.length = 0;
      if (sessionStorage.getItem(RELOADED) === location.href) return;
      sessionStorage.setItem(RELOADED, location.href);
      location.reload();
    }

    #say() {
      const parts = [this.#trouble || (this.#isWaiting ? "Live waits while you are at the list" : "Live")];
      if (this.#shown) parts.push(`${say(this.#shown)} new`);
      if (this.#isWaiting) parts.push(`${say(this.#waiting.length)} to come`);
      if (this.#missing || this.#isMissingMore) parts.push(`${this.#missing ? say(this.#missing) : "some"} more were not shown`);
      const text = parts.join(" · ");
      if (text === this.textContent) return;
      this.textContent = text;
      this.#saidAt = performance.now();
    }
  }

  function rowsOf(texts) {
    const template = document.createElement("template");
    template.innerHTML = texts.join("");
    return [...template.content.querySelectorAll("tr")];
  }

  function say(count) {
    return count.toLocaleString("en");
  }

  function isOpen(row) {
    return row.classList.contains("running");
  }

  customElements.define("live-tail", LiveTail);
  if (document.querySelector("table.log")) sessionStorage.removeItem(RELOADED);
})();
