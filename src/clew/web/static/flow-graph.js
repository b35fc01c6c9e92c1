// <flow-graph>: draws a flow's nodes and the links between them. It holds nothing that the table below it does not say.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
// Left to right, and top to bottom: how wide a node may be, how narrow to let the graph fit, and the gaps around it.
const SHAPES = {
  LR: { widest: 204, narrowest: 150, nodesep: 22, ranksep: 40 },
  TB: { widest: 170, narrowest: 132, nodesep: 14, ranksep: 30 },
};
const NODE_HEIGHT = 48;
const MARGIN = 18;
// Below this width a graph goes from top to bottom: a phone scrolls down, not sideways.
const NARROW = 620;

class FlowGraph extends HTMLElement {
  #observer;
  #drawnFor = 0;

  connectedCallback() {
    if (!window.dagre || !this.dataset.graph) return;
    this.graph = JSON.parse(this.dataset.graph);
    this.#observer = new ResizeObserver(() => this.#draw());
    this.#observer.observe(this);
    this.#draw();
  }

  disconnectedCallback() {
    this.#observer?.disconnect();
  }

  #draw() {
    if (!this.clientWidth || this.clientWidth === this.#drawnFor) return;
    this.#drawnFor = this.clientWidth;
    const direction = this.clientWidth < NARROW ? "TB" : "LR";
    const layout = fit(this.graph, direction, this.clientWidth);
    const { width, height } = layout.graph();
    const svg = make("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": this.graph.label });
    for (const link of this.graph.links) svg.append(drawLink(layout, link, direction));
    for (const node of this.graph.nodes) svg.append(drawNode(layout.node(node.id), node));
    this.replaceChildren(svg);
    this.#show(layout.node((this.graph.nodes.find((node) => node.is_current) ?? this.graph.nodes[0]).id));
  }

  // Brings a node into sight, without moving the page.
  #show(place) {
    this.scrollLeft = place.x - this.clientWidth / 2;
  }
}

// The layout with nodes as wide as they may be or, where it is wider than the room, as narrow as it takes.
function fit(graph, direction, room) {
  const shape = SHAPES[direction];
  const layout = lay(graph, direction, shape.widest);
  const gap = direction === "LR" ? shape.ranksep : shape.nodesep;
  const abreast = Math.round((layout.graph().width - 2 * MARGIN + gap) / (shape.widest + gap));
  const width = Math.floor((room - 2 * MARGIN + gap) / abreast - gap);
  return width >= shape.widest ? layout : lay(graph, direction, Math.max(width, shape.narrowest));
}

function lay(graph, direction, width) {
  const { nodesep, ranksep } = SHAPES[direction];
  const layout = new window.dagre.graphlib.Graph();
  layout.setGraph({ rankdir: direction, nodesep, ranksep, marginx: MARGIN, marginy: MARGIN });
  layout.setDefaultEdgeLabel(() => ({}));
  for (const node of graph.nodes) layout.setNode(node.id, { width, height: NODE_HEIGHT });
  for (const link of graph.links) layout.setEdge(link.source, link.target);
  window.dagre.layout(layout);
  return layout;
}

function make(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

// From the middle of one node's side to the middle of the other's, through the places that the layout kept free.
function drawLink(layout, link, direction) {
  const source = layout.node(link.source);
  const target = layout.node(link.target);
  const along = direction === "LR" ? "x" : "y";
  const reach = (direction === "LR" ? source.width : source.height) / 2;
  const inner = layout.edge(link.source, link.target).points.slice(1, -1);
  // With two nodes on neighbouring ranks one curve says it; its inner points would only make it wriggle.
  const between = inner.length > 1 ? inner : [];
  const points = [{ ...source, [along]: source[along] + reach }, ...between, { ...target, [along]: target[along] - reach }];
  return make("path", { d: curve(points, along), class: link.is_taken ? "link" : "link off" });
}

function curve(points, along) {
  let path = `M${points[0].x} ${points[0].y}`;
  for (let at = 1; at < points.length; at++) {
    const from = points[at - 1];
    const to = points[at];
    const middle = (from[along] + to[along]) / 2;
    path += along === "x" ? `C${middle} ${from.y} ${middle} ${to.y} ${to.x} ${to.y}` : `C${from.x} ${middle} ${to.x} ${middle} ${to.x} ${to.y}`;
  }
  return path;
}

function drawNode(place, node) {
  const top = place.y - NODE_HEIGHT / 2;
  const left = place.x - place.width / 2;
  const kind = `node ${node.dot}${node.is_quiet ? " off" : ""}`;
  const group = make(
    "g",
    { class: kind, transform: `translate(${left} ${top})` },
    make("rect", { width: place.width, height: NODE_HEIGHT, rx: 8 }),
    make("circle", { cx: 15, cy: NODE_HEIGHT / 2, r: node.dot === "failure" ? 5 : 4.2 }),
    drawWords(place, node),
  );
  if (!node.href) return group;
  // What is read begins with what is seen, so that who speaks to the browser can say it.
  const told = node.about.startsWith(node.state) ? [node.label, node.about] : [node.label, node.about, node.state];
  const label = told.filter(Boolean).join(", ");
  return make("a", { href: node.href, "aria-label": label, "aria-current": node.is_current ? "true" : null }, group);
}

// HTML over the whole node, for its style sheet cuts what has no room and leaves the words whole; the title shows them.
function drawWords(place, node) {
  const words = document.createElement("div");
  words.className = "words";
  words.title = [node.label, node.state, node.about].filter(Boolean).join("\n");
  for (const [text, name] of [[node.label, "label"], [node.about, "about"]]) {
    if (!text) continue;
    const line = document.createElement("div");
    line.className = name;
    line.textContent = text;
    words.append(line, " ");
  }
  return make("foreignObject", { width: place.width, height: NODE_HEIGHT }, words);
}

customElements.define("flow-graph", FlowGraph);
