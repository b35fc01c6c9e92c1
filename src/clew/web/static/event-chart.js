// <event-chart>: draws the table inside it as bars over time. It holds nothing that the table does not say.
"use strict";

(() => {
  // From the ground up: failures stand on the line, where one bar can be compared with the next.
  const STATUSES = ["failure", "success", "info"];
  const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];
  const TICKS = [
    ...[1, 2, 5, 10, 15, 30].map((n) => n * 1000),
    ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
    ...[1, 3, 6, 12].map((n) => n * HOUR),
    ...[1, 2, 5, 10, 30, 90, 365].map((n) => n * DAY),
  ];
  const COUNTS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((power) => [1, 2, 5].map((n) => n * 10 ** power));
  // Below this height there is no room for the scale of counts: the tip and the table say them.
  const LOW = 110;
  // Room beside a tick's middle that its words need.
  const HALF_LABEL = 24;
  const HOP = 10;

  class EventChart extends HTMLElement {
    #plot;
    #observer;
    #isDragging = false;
    #scheme = matchMedia("(prefers-color-scheme: dark)");
    #repaint = () => this.#plot?.redraw(false, false);

    connectedCallback() {
      const table = this.querySelector("table");
      if (!window.uPlot || !table) return;
      this.#read(table);
      this.room = this.querySelector(".plot");
      this.tip = make("div", "tip");
      this.tip.hidden = true;
      this.#draw();
      this.#listen(this.#plot.over, this.room);
      this.#observer = new ResizeObserver(() => this.#fit());
      this.#observer.observe(this.room);
      this.#scheme.addEventListener("change", this.#repaint);
    }

    disconnectedCallback() {
      this.#observer?.disconnect();
      this.#scheme.removeEventListener("change", this.#repaint);
      this.#plot?.destroy();
      this.#plot = undefined;
    }

    // One slot for each step between the bounds, also where nothing was recorded.
    #read(table) {
      [this.from, this.to, this.step, this.offset] = ["from", "to", "step", "offset"].map((name) => Number(this.dataset[name]));
      this.start = Math.floor(this.from / this.step) * this.step;
      const count = Math.max(1, Math.ceil((this.to - this.start) / this.step));
      this.slots = Array.from({ length: count }, () => ({ failure: 0, success: 0, info: 0 }));
      this.last = count - 1;
      for (const row of table.tBodies[0].rows) {
        const time = Date.parse(row.querySelector("time")?.dateTime);
        const slot = this.slots[Math.floor((time - this.start) / this.step)];
        if (slot) for (const { className, value } of row.querySelectorAll("data")) slot[className] = Number(value);
      }
    }

    #draw() {
      const { clientWidth: width, clientHeight: height } = this.room;
      const isLow = height < LOW;
      const style = () => getComputedStyle(this.room);
      const line = { stroke: () => style().borderTopColor, width: 1 };
      const words = { stroke: () => style().color, font: `11px ${style().fontFamily}` };
      const times = this.slots.map((_, at) => this.#timeOf(at));
      const along = {
        ...words, size: 24, gap: 4, space: 74, incrs: TICKS, grid: { show: false }, ticks: { ...line, size: 4 }, border: { ...line, show: true },
        splits: (_, at, low, high, step) => this.#roundTimes(low, high, step),
        values: (plot, ticks, at, space, step) => ticks.map((time) => this.#sayTick(time, step, plot.width)),
      };
      const up = {
        ...words, show: !isLow, size: 46, gap: 6, space: 34, incrs: COUNTS, grid: line, ticks: { show: false },
        values: (_, counts) => counts.map((count) => count.toLocaleString("en-US", { notation: "compact" })),
      };
      const options = {
        width, height, padding: [6, 0, 0, isLow ? 0 : null], legend: { show: false }, cursor: { show: false }, axes: [along, up],
        scales: {
          x: { time: false, range: [this.start, this.#timeOf(this.last + 1)] },
          y: { range: (_, low, high) => [0, Math.max(high, 1) * 1.04] },
        },
        series: [{}, { paths: () => null, points: { show: false } }],
        hooks: { draw: [(plot) => this.#paint(plot)] },
      };
      this.room.replaceChildren(this.tip);
      this.#plot = new window.uPlot(options, [times, this.slots.map(sum)], this.room);
    }

    #paint(plot) {
      const { ctx, bbox } = plot;
      const pixel = devicePixelRatio || 1;
      const colors = STATUSES.map((status) => getComputedStyle(this.querySelector(`.swatch.${status}`)).backgroundColor);
      const ground = bbox.top + bbox.height;
      const unit = ground - plot.valToPos(1, "y", true);
      this.slots.forEach((slot, at) => {
        const [left, right] = [at, at + 1].map((edge) => Math.round(plot.valToPos(this.#timeOf(edge), "x", true)));
        const gap = right - left > 4 * pixel ? pixel : 0;
        let foot = ground;
        STATUSES.forEach((status, which) => {
          if (!slot[status]) return;
          // One failure among ten thousand must be seen.
          const height = Math.max(Math.round(slot[status] * unit), (status === "failure" ? 3 : 1) * pixel);
          ctx.fillStyle = colors[which];
          ctx.fillRect(left, foot - height, Math.max(right - left - gap, 1), height);
          foot -= height;
        });
      });
    }

    #fit() {
      const { clientWidth: width, clientHeight: height } = this.room;
      if (!width || (this.#plot.width === width && this.#plot.height === height)) return;
      this.#leave();
      this.#plot.setSize({ width, height });
    }

    #timeOf(at) {
      return this.start + at * this.step;
    }

    // Multiples of a step in the zone of who looks, not in UTC.
    #roundTimes(low, high, step) {
      const first = Math.ceil((low + this.offset) / step) * step - this.offset;
      return Array.from({ length: Math.max(0, Math.floor((high - first) / step) + 1) }, (_, at) => first + at * step);
    }

    #sayTick(time, step, width) {
      const room = (HALF_LABEL / width) * (this.#timeOf(this.last + 1) - this.start);
      if (time - this.start < room || this.#timeOf(this.last + 1) - time < room) return "";
      const day = { day: "numeric", month: "short" };
      // Where the clocks were changed in between, midnight is an hour off; the day is right all the same.
      if (step >= DAY) return this.#format(day).format(time + 2 * HOUR);
      const clock = this.#format({ hour: "2-digit", minute: "2-digit", ...(step < MINUTE && { second: "2-digit" }) }).format(time);
      return clock === "00:00" ? this.#format(day).format(time) : clock;
    }

    #format(options) {
      return new Intl.DateTimeFormat("en-GB", { timeZone: this.dataset.zone, ...options });
    }

    #listen(over, room) {
      over.addEventListener("pointermove", (event) => this.#point(event));
      over.addEventListener("pointerleave", () => this.#isDragging || this.#leave());
      if (!this.dataset.href) return;
      const told = { role: "slider", tabindex: 0, "aria-label": this.dataset.label, "aria-valuemin": 0, "aria-valuemax": this.last };
      for (const [name, value] of Object.entries(told)) room.setAttribute(name, value);
      this.#tell(this.last, this.last);
      over.addEventListener("pointerdown", (event) => this.#grab(event));
      over.addEventListener("pointerup", () => this.#isDragging && this.#go());
      over.addEventListener("pointercancel", () => this.#leave());
      room.onkeydown = (event) => this.#press(event); // the room outlives a plot: it listens once
      room.onblur = () => this.#leave();
    }

    #point(event) {
      const time = this.#plot.posToVal(event.clientX - this.#plot.over.getBoundingClientRect().left, "x");
      const at = this.#clamp(Math.floor((time - this.start) / this.step));
      this.#choose(this.#isDragging ? this.anchor : at, at);
    }

    #grab(event) {
      if (event.button !== 0) return;
      this.#point(event);
      this.#isDragging = true;
      this.#plot.over.setPointerCapture(event.pointerId);
    }

    #press(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const head = this.head ?? this.last + (event.key === "ArrowLeft" ? 1 : 0);
      const moves = { ArrowLeft: head - 1, ArrowRight: head + 1, PageDown: head - HOP, PageUp: head + HOP, Home: 0, End: this.last };
      if (event.key in moves) {
        const at = this.#clamp(moves[event.key]);
        this.#choose(event.shiftKey ? (this.anchor ?? at) : at, at);
      } else if (event.key === "Enter") this.#go();
      else if (event.key === "Escape") this.#leave();
      else return;
      event.preventDefault();
      event.stopPropagation();
    }

    #clamp(at) {
      return Math.min(Math.max(at, 0), this.last);
    }

    // Shows a stretch of slots as chosen. `anchor` stays where it began, `head` is the end that moves.
    #choose(anchor, head) {
      [this.anchor, this.head] = [anchor, head];
      const [first, last] = [Math.min(anchor, head), Math.max(anchor, head)];
      const { over } = this.#plot;
      const [left, right] = [first, last + 1].map((edge) => this.#plot.valToPos(this.#timeOf(edge), "x"));
      this.#plot.setSelect({ left, width: right - left, top: 0, height: over.clientHeight }, false);
      this.#tell(first, last);
      this.tip.hidden = false;
      const beside = over.offsetLeft + right + 8;
      const fits = beside + this.tip.offsetWidth <= this.room.clientWidth;
      this.tip.style.left = `${fits ? beside : Math.max(0, over.offsetLeft + left - 8 - this.tip.offsetWidth)}px`;
    }

    // What is chosen in words: in the tip for eyes, as the slider's value for ears.
    #tell(first, last) {
      const day = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", ...(this.step % MINUTE && { second: "2-digit" }) };
      const range = this.#format(day).formatRange(...this.#bounds(first, last));
      const slots = this.slots.slice(first, last + 1);
      const counts = STATUSES.map((status) => [status, slots.reduce((total, slot) => total + slot[status], 0)]);
      const rows = counts.map(([status, count]) =>
        make("span", "", make("i", `swatch ${status}`), ` ${status}`, make("b", "", count.toLocaleString("en-US"))),
      );
      this.tip.replaceChildren(make("strong", "", range), ...rows);
      this.room.setAttribute("aria-valuenow", this.head ?? last);
      this.room.setAttribute("aria-valuetext", [range, ...counts.map(([status, count]) => `${count} ${status}`)].join(", "));
    }

    #leave() {
      this.#isDragging = false;
      this.anchor = this.head = undefined;
      this.tip.hidden = true;
      this.#plot?.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    }

    #bounds(first, last) {
      return [Math.max(this.#timeOf(first), this.from), Math.min(this.#timeOf(last + 1), this.to)];
    }

    #go() {
      this.#isDragging = false;
      if (this.anchor === undefined) return;
      const bounds = this.#bounds(Math.min(this.anchor, this.head), Math.max(this.anchor, this.head));
      const [from, to] = bounds.map((time) => encodeURIComponent(new Date(time).toISOString()));
      window.location.assign(this.dataset.href.replace("{from}", from).replace("{to}", to));
    }
  }

  const sum = (slot) => STATUSES.reduce((total, status) => total + slot[status], 0);

  function make(tag, className, ...children) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...children);
    return element;
  }

  customElements.define("event-chart", EventChart);
})();
