/* The drawing with X6: nodes with a tile, ports for outputs, rounded transitions. */

import { HEIGHT, WIDTH, placesOf } from "./layout.js";

const editor = document.getElementById("editor");
const isFixed = editor.dataset.readonly === "yes";

/* Texts stand at their place, not in the middle of the node. */
const START = { textAnchor: "start", textVerticalAnchor: "middle" };
const circle = { r: 6, magnet: true };

function ports(activity) {
  const items = activity.outputs.map((output) => ({
    id: output,
    group: output === "error" ? "error" : "out",
    attrs: { circle: { class: output === "error" ? "port port-error" : "port" } },
  }));
  if (!activity.is_initial) items.push({ id: "in", group: "in", attrs: { circle: { class: "port" } } });
  return {
    groups: {
      in: { position: "left", attrs: { circle: { ...circle, magnet: "passive" } } },
      out: { position: "right", attrs: { circle } },
      error: { position: "bottom", attrs: { circle } },
    },
    items,
  };
}

const short = (text) => (text.length > 20 ? `${text.slice(0, 19)}…` : text);

const lineColour = () => getComputedStyle(editor).getPropertyValue("border-top-color");

export function create(container) {
  const graph = new window.X6.Graph({
    container,
    async: false,
    autoResize: container.parentElement,
    grid: { visible: true, size: 20, type: "dot", args: { color: lineColour(), thickness: 1 } },
    panning: true,
    mousewheel: { enabled: true, modifiers: ["ctrl", "meta"], minScale: 0.3, maxScale: 2 },
    background: { color: "transparent" },
    interacting: isFixed ? false : { nodeMovable: true, edgeMovable: false },
    connecting: {
      allowBlank: false,
      allowLoop: false,
      allowMulti: "withPort",
      snap: { radius: 24 },
      router: { name: "er", args: { direction: "H", offset: 28 } },
      connector: { name: "rounded", args: { radius: 8 } },
      createEdge: () => graph.createEdge(edgeOf("", "", "")),
      validateConnection: ({ sourceCell, targetCell, targetPort }) =>
        sourceCell !== targetCell && targetPort === "in",
    },
  });
  return graph;
}

function edgeOf(source, output, destination) {
  const tone = output === "error" ? "edge-line edge-line-error" : "edge-line";
  return {
    shape: "edge",
    source: { cell: source, port: output },
    target: { cell: destination, port: "in" },
    router: { name: "er", args: { direction: "H", offset: 28 } },
    connector: { name: "rounded", args: { radius: 8 } },
    attrs: {
      line: { class: tone, stroke: "currentColor", strokeWidth: 1.5, targetMarker: { name: "block", size: 7 } },
    },
    labels: output && output !== "ok"
      ? [{ attrs: { label: { text: output, class: "edge-label" }, body: { class: "edge-label-body" } } }]
      : [],
  };
}

export function draw(graph, shown) {
  const places = placesOf(shown.graph);
  const cells = [];
  for (const one of shown.activities) {
    const gravest = one.findings.some((finding) => finding.level === "error")
      ? "error"
      : one.findings.length ? "warn" : "";
    cells.push(graph.createNode({
      id: one.name,
      shape: "rect",
      ...places[one.name],
      width: WIDTH,
      height: HEIGHT,
      markup: [
        { tagName: "rect", selector: "body" },
        { tagName: "rect", selector: "tile" },
        { tagName: "use", selector: "glyph" },
        { tagName: "text", selector: "name" },
        { tagName: "text", selector: "kind" },
        { tagName: "circle", selector: "ring" },
        { tagName: "use", selector: "badge" },
        { tagName: "title", selector: "title" },
      ],
      attrs: {
        body: { class: "node-body", refWidth: "100%", refHeight: "100%", rx: 10, ry: 10 },
        tile: { class: "node-tile", stroke: "none", x: 10, y: 12, width: 36, height: 36, rx: 8 },
        glyph: { class: "node-glyph", "xlink:href": `${editor.dataset.sprite}#${one.icon}`, x: 19, y: 21, width: 18, height: 18 },
        name: { class: "node-name", text: short(one.title), ...START, refX: 56, refY: 22 },
        kind: { class: "node-kind", text: short(one.kind), ...START, refX: 56, refY: 41 },
        ring: { class: `node-ring ${gravest ? `is-${gravest}` : "is-none"}`, cx: WIDTH, cy: 0, r: 10 },
        badge: { class: `node-badge ${gravest ? `is-${gravest}` : "is-none"}`, "xlink:href": `${editor.dataset.sprite}#alert-triangle`, x: WIDTH - 7, y: -7, width: 14, height: 14 },
        title: { text: `${one.title} (${one.name})` },
      },
      ports: ports(one),
    }));
  }
  for (const one of shown.graph.transitions) {
    cells.push(graph.createEdge(edgeOf(one.source, one.output, one.destination)));
  }
  graph.resetCells(cells);
  name(graph, shown);
}

/* Every activity is a button that the keyboard reaches, in the order of execution. */
function name(graph, shown) {
  for (const one of shown.activities) {
    const group = graph.findViewByCell(one.name)?.container;
    if (!group) continue;
    const leads = shown.graph.transitions.filter((way) => way.source === one.name).map((way) => way.destination);
    group.setAttribute("tabindex", "0");
    group.setAttribute("role", "button");
    group.setAttribute("data-activity", one.name);
    const words = one.findings.map((finding) => finding.message);
    if (leads.length) words.push(`${editor.dataset.leads} ${leads.join(", ")}`);
    group.setAttribute("aria-description", words.join(", "));
    group.setAttribute("focusable", "true");
  }
}

export function mark(graph, chosen) {
  for (const node of graph.getNodes()) {
    const group = graph.findViewByCell(node)?.container;
    group?.classList.toggle("is-chosen", node.id === chosen);
    group?.setAttribute("aria-pressed", String(node.id === chosen));
  }
}
