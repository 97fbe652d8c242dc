/* The structure editor: a drawing of the draft, by mouse and by keyboard. */

import { add, connect, disconnect, placeAll, read, remove, replace, step } from "./draft.js";
import { create, draw, mark } from "./drawing.js";
import { WIDTH, arrange, placesOf } from "./layout.js";

const editor = document.getElementById("editor");
const foot = document.getElementById("editor-foot");
const panel = document.getElementById("panel");
const isFixed = editor.dataset.readonly === "yes";
const graph = create(document.getElementById("canvas"));
let shown = null;
let chosen = "";
let asked = "";
let loading = Promise.resolve();
let line = Promise.resolve();
let moving = 0;

const tell = (text) => { foot.textContent = text; };

function show(next, focus) {
  shown = next;
  draw(graph, shown);
  if (chosen && !shown.activities.some((one) => one.name === chosen)) chosen = "";
  mark(graph, chosen);
  const set = (name, off) => { document.querySelector(`[data-do="${name}"]`).disabled = off || isFixed; };
  set("undo", !shown.can_undo);
  set("redo", !shown.can_redo);
  if (focus) graph.findViewByCell(focus)?.container.focus();
}

/* One change after the other: each begins from what the one before has left. */
const inLine = (work) => {
  line = line.then(work, work);
  return line;
};

function keep(change, words, focus) {
  return inLine(async () => {
    const next = change(shown.graph);
    if (isFixed || next === shown.graph) return;
    try {
      show(await replace(next), focus || chosen);
      tell(words || editor.dataset.saved);
    } catch (error) {
      show(shown, focus || chosen);
      tell(error.message || editor.dataset.failed);
    }
  });
}

const go = (name) => inLine(async () => {
  try {
    show(await step(name), chosen);
    choose(chosen, true);
    tell(editor.dataset.saved);
  } catch (error) {
    tell(error.message || editor.dataset.failed);
  }
});

/* What is written in the panel stays: the same activity is not asked for again. */
function choose(name, isStale) {
  if (name && name === asked && !isStale) return loading;
  chosen = name;
  asked = name;
  mark(graph, chosen);
  loading = name ? load(name) : clear();
  return loading;
}

async function load(name) {
  const answer = await fetch(editor.dataset.fields.replace("NAME", encodeURIComponent(name)));
  if (answer.ok && asked === name) panel.innerHTML = await answer.text();
}

async function clear() {
  const empty = document.createElement("p");
  empty.className = "muted card-body";
  empty.textContent = editor.dataset.empty;
  panel.replaceChildren(empty);
}

/* The form of the panel is the one of the list; it comes back with its faults. */
panel.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  const values = new FormData(form, event.submitter);
  inLine(() => send(form, values));
});

async function send(form, values) {
  const answer = await fetch(form.action, { method: "POST", body: values });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const again = answer.status === 422 ? page.getElementById("activity-form") : null;
  if (again) {
    panel.replaceChildren(document.adoptNode(again));
    panel.querySelector("[aria-invalid=true], .notice-bad, [name$='.name']:placeholder-shown")?.focus?.();
    return;
  }
  show(await read(), "");
  await choose(chosen, true);
  tell(editor.dataset.saved);
}

/* What the keyboard moves is kept once it rests. */
function nudge(name, x, y) {
  const node = graph.getCellById(name);
  const at = node.position();
  node.position(at.x + x, at.y + y);
  clearTimeout(moving);
  moving = setTimeout(() => keepPlaces(name), 500);
}

function keepPlaces(name) {
  const places = placesOf(shown.graph);
  for (const node of graph.getNodes()) {
    const at = node.position();
    places[node.id] = { x: Math.round(at.x), y: Math.round(at.y) };
  }
  keep((present) => placeAll(present, places), "", name);
}

function ask(dialog, form, done) {
  const opener = document.activeElement;
  const onSubmit = () => done();
  form.addEventListener("submit", onSubmit, { once: true });
  dialog.addEventListener("close", () => {
    form.removeEventListener("submit", onSubmit);
    opener?.focus?.();
  }, { once: true });
  dialog.showModal();
}

function askConnect(name) {
  const one = shown.activities.find((activity) => activity.name === name);
  if (!one?.outputs.length) return;
  const output = document.getElementById("connect-output");
  const target = document.getElementById("connect-target");
  output.replaceChildren(...one.outputs.map((text) => new Option(text, text)));
  target.replaceChildren(...shown.activities
    .filter((other) => other.name !== name && !other.is_initial)
    .map((other) => new Option(other.title, other.name)));
  ask(document.getElementById("connect"), document.getElementById("connect-form"), () => {
    const [way, end] = [output.value, target.value];
    keep((present) => connect(present, name, way, end), editor.dataset.connected, name);
  });
}

function addOne(type, after) {
  const label = document.querySelector(`[data-type="${CSS.escape(type)}"] span`).textContent;
  let name = "";
  const change = (present) => {
    const places = placesOf(present);
    const before = after ? places[after] : null;
    const rightmost = Math.max(0, ...Object.values(places).map((at) => at.x + WIDTH + 60));
    const spot = before ? { x: before.x + WIDTH + 80, y: before.y + 20 } : { x: rightmost, y: 40 };
    const [withOne, made] = add(placeAll(present, places), type, label, spot);
    name = made;
    const output = shown.activities.find((one) => one.name === after)?.outputs[0];
    return output ? connect(withOne, after, output, made) : withOne;
  };
  keep(change).then(() => {
    graph.findViewByCell(name)?.container.focus();
    choose(name);
  });
}

function askAdd(name) {
  ask(document.getElementById("add"), document.getElementById("add-form"), () => {
    addOne(document.getElementById("add-type").value, name);
  });
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

document.getElementById("canvas").addEventListener("keydown", (event) => {
  const name = event.target.closest?.("[data-activity]")?.dataset.activity;
  if (!name) return;
  const arrow = ARROWS[event.key];
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    choose(name).then(() => panel.querySelector("input:not([type=hidden])")?.focus());
  } else if (isFixed || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  } else if (arrow) {
    event.preventDefault();
    const far = event.shiftKey ? 1 : 10;
    nudge(name, arrow[0] * far, arrow[1] * far);
  } else if (event.key === "Delete" || event.key === "Backspace") {
    event.preventDefault();
    const after = shown.graph.transitions.find((way) => way.source === name)?.destination;
    choose("");
    keep((present) => remove(present, name), editor.dataset.removed, after);
  } else if (event.key === "c") {
    event.preventDefault();
    askConnect(name);
  } else if (event.key === "a") {
    event.preventDefault();
    askAdd(name);
  }
  event.stopPropagation();
});

document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
  if (event.target.closest("input, textarea, select, dialog[open]")) return;
  event.preventDefault();
  if (event.shiftKey ? shown?.can_redo : shown?.can_undo) go(event.shiftKey ? "redo" : "undo");
});

const ACTIONS = {
  undo: () => go("undo"),
  redo: () => go("redo"),
  arrange: () => keep((present) => placeAll(present, arrange(present)), "", chosen).then(fit),
  "zoom-in": () => graph.zoom(0.2),
  "zoom-out": () => graph.zoom(-0.2),
  fit,
};

function fit() {
  graph.zoomToFit({ padding: 24, maxScale: 1 });
}

document.addEventListener("click", (event) => {
  const action = event.target.closest("[data-do]");
  if (action) ACTIONS[action.dataset.do]();
  const item = event.target.closest(".palette-item");
  if (item) addOne(item.dataset.type, chosen);
  const save = event.target.closest("[data-save]");
  if (save?.getAttribute("aria-disabled") === "true") event.preventDefault();
});

document.getElementById("palette-search").addEventListener("input", (event) => {
  const wanted = event.target.value.trim().toLowerCase();
  for (const group of document.querySelectorAll("[data-palette-group]")) {
    let left = 0;
    for (const item of group.querySelectorAll("li")) {
      item.hidden = !item.textContent.toLowerCase().includes(wanted);
      left += item.hidden ? 0 : 1;
    }
    group.hidden = !left;
  }
});

graph.on("node:click", ({ node }) => choose(node.id));
graph.on("blank:click", () => choose(""));
graph.on("node:moved", ({ node }) => keepPlaces(node.id));
graph.on("edge:connected", ({ edge }) => {
  const source = edge.getSource();
  const target = edge.getTarget();
  keep(
    (present) => connect(present, source.cell, source.port, target.cell),
    editor.dataset.connected,
    source.cell,
  );
});
graph.on("edge:mouseenter", ({ edge }) => {
  if (!isFixed) edge.addTools([{ name: "button-remove", args: { distance: "50%", onClick: () => {
    const source = edge.getSource();
    const end = edge.getTarget().cell;
    keep((present) => disconnect(present, source.cell, source.port, end), editor.dataset.removed);
  } } }]);
});
graph.on("edge:mouseleave", ({ edge }) => edge.removeTools());

read().then((first) => {
  show(first);
  requestAnimationFrame(fit);
  editor.dataset.ready = "yes";
}).catch((error) => tell(error.message || editor.dataset.failed));
