/* The draft on the server: read, replaced whole, one step back or forth. */

const editor = document.getElementById("editor");
const token = () => document.querySelector("input[name=csrfmiddlewaretoken]")?.value || "";

async function call(method, address, body) {
  const answer = await fetch(address, {
    method,
    headers: { "Content-Type": "application/json", "X-CSRFToken": token() },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const document_ = await answer.json();
  if (!answer.ok) {
    const faults = (document_.faults || []).map((fault) => `${fault.field}: ${fault.message}`);
    throw new Error([document_.message, ...faults].join(" "));
  }
  return document_;
}

export const read = () => call("GET", editor.dataset.draft);
export const replace = (graph) => call("PUT", editor.dataset.draft, graph);
export const step = (name) => call("POST", `${editor.dataset.draft}?do=${name}`);

/* Edits of a graph, each a new graph. */

export function placeAll(graph, places) {
  return {
    ...graph,
    activities: graph.activities.map((one) => ({ ...one, position: places[one.name] || one.position })),
  };
}

export function remove(graph, name) {
  const inbound = graph.transitions.filter((one) => one.destination === name);
  const outbound = graph.transitions.filter((one) => one.source === name);
  const kept = graph.transitions.filter((one) => one.source !== name && one.destination !== name);
  const closed = outbound.length === 1
    ? inbound.map((one) => ({ ...one, destination: outbound[0].destination }))
    : [];
  return {
    activities: graph.activities.filter((one) => one.name !== name),
    transitions: [...kept, ...closed.filter((one) => one.source !== one.destination)],
  };
}

export function connect(graph, source, output, destination) {
  const same = (one) => one.source === source && one.output === output && one.destination === destination;
  if (graph.transitions.some(same)) return graph;
  return { ...graph, transitions: [...graph.transitions, { source, output, destination }] };
}

export function disconnect(graph, source, output, destination) {
  return {
    ...graph,
    transitions: graph.transitions.filter((one) =>
      !(one.source === source && one.output === output && one.destination === destination)),
  };
}

export function add(graph, type, label, position) {
  const plain = label.replace(/[^A-Za-z0-9_]+/g, "_").replace(/^_+|_+$/g, "") || type;
  const first = /^[A-Za-z]/.test(plain) ? plain : `activity_${plain}`;
  const names = new Set(graph.activities.map((one) => one.name));
  let name = first;
  for (let number = 2; names.has(name); number += 1) name = `${first}_${number}`;
  const parameters = type === "scheduler" ? { schedule: { kind: "daily", time: "04:00" } } : {};
  return [
    { ...graph, activities: [...graph.activities, { name, type, label, parameters, position }] },
    name,
  ];
}
