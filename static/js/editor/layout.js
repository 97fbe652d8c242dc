/* Places for activities: those that were kept, else left to right by dagre. */

export const WIDTH = 200;
export const HEIGHT = 60;

export function arrange(graph) {
  const layout = new window.dagre.graphlib.Graph({ multigraph: true });
  layout.setGraph({ rankdir: "LR", nodesep: 44, ranksep: 80, marginx: 24, marginy: 24 });
  layout.setDefaultEdgeLabel(() => ({}));
  for (const one of graph.activities) layout.setNode(one.name, { width: WIDTH, height: HEIGHT });
  for (const one of graph.transitions) {
    layout.setEdge(one.source, one.destination, {}, one.output);
  }
  window.dagre.layout(layout);
  const places = {};
  for (const one of graph.activities) {
    const spot = layout.node(one.name);
    places[one.name] = { x: Math.round(spot.x - WIDTH / 2), y: Math.round(spot.y - HEIGHT / 2) };
  }
  return places;
}

export function placesOf(graph) {
  const kept = graph.activities.every((one) => Number.isFinite(one.position?.x));
  if (kept) return Object.fromEntries(graph.activities.map((one) => [one.name, one.position]));
  const places = arrange(graph);
  for (const one of graph.activities) {
    if (Number.isFinite(one.position?.x)) places[one.name] = one.position;
  }
  return places;
}
