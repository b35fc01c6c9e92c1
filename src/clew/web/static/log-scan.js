// <log-scan>: goes on with a search inside words where the page's own ended, and adds the rows that it finds.
// The links that go on from here are the truth: they lead to the same rows without this file.
"use strict";

(() => {
  class LogScan extends HTMLElement {
    #source;
    #onHide = () => this.#stop();

    connectedCallback() {
      this.said = this.querySelector("[data-said]");
      this.running = this.querySelector("[data-running]");
      this.progress = this.querySelector("progress");
      this.section = this.closest("section");
      this.body = this.section.querySelector("table.log tbody");
      this.onward = this.querySelector("a");
      this.querySelector("button").addEventListener("click", () => this.#stop());
      // A page that the browser keeps for "back" must not keep its connection.
      window.addEventListener("pagehide", this.#onHide);
      this.#start();
    }

    disconnectedCallback() {
      window.removeEventListener("pagehide", this.#onHide);
      this.#source?.close();
    }

    #start() {
      this.#show(true);
      this.#source = new EventSource(this.dataset.src);
      this.#source.addEventListener("step", (event) => this.#take(JSON.parse(event.data)));
      this.#source.addEventListener("failed", (event) => this.#fail(JSON.parse(event.data).detail));
      // The browser would begin again where this one began: the link goes on from where it came to.
      this.#source.addEventListener("error", () => this.#fail("The connection is lost."));
    }

    #stop() {
      this.#source?.close();
      this.#show(false);
    }

    #fail(why) {
      this.#stop();
      this.said.textContent = `${this.said.textContent} ${why}`;
    }

    // While it runs there is a button to stop it, and then a link to go on.
    #show(isRunning) {
      this.running.hidden = !isRunning;
      this.onward.hidden = isRunning || !this.onward.getAttribute("href");
    }

    #take(step) {
      const template = document.createElement("template");
      template.innerHTML = `<table><tbody>${step.rows}</tbody></table>`;
      this.body.append(...template.content.querySelectorAll("tr"));
      this.said.textContent = step.said;
      this.progress.value = step.fraction;
      this.section.querySelector(".foot > span").textContent = step.coverage;
      this.onward.setAttribute("href", step.next);
      if (step.is_done) this.#stop();
    }
  }

  customElements.define("log-scan", LogScan);
})();
