// Draws the nodes and edges of `data` and reports what a person clicks on. The vis-network library stands
// above this text and has put itself into globalThis.vis. Every word of the graph is used as text only.

const pictures = new WeakMap();
const DOUBLE_CLICK_MS = 240;
const VALUE = "v:"; // a value's node is named by its fact, an entity's ("e:") by its id

const FONT = "Source Sans, system-ui, sans-serif";

const options = {
  layout: { randomSeed: 11, improvedLayout: true },
  physics: {
    solver: "forceAtlas2Based",
    forceAtlas2Based: { gravitationalConstant: -85, centralGravity: 0.012, springLength: 135, springConstant: 0.07, avoidOverlap: 0.6 },
    stabilization: { enabled: true, iterations: 260, fit: true },
    minVelocity: 1,
  },
  interaction: { hover: true, tooltipDelay: 150, hideEdgesOnDrag: false, multiselect: false, selectConnectedEdges: false },
  nodes: { font: { face: FONT }, borderWidth: 2, borderWidthSelected: 4, shadow: { enabled: true, color: "rgba(31,41,51,.14)", size: 7, x: 0, y: 2 } },
  edges: {
    arrows: { to: { enabled: true, scaleFactor: 0.55 } },
    font: { face: FONT, size: 12, color: "#56616d", strokeWidth: 0, background: "rgba(255,255,255,.88)", align: "middle" },
    selectionWidth: 2.5,
    hoverWidth: 0.8,
  },
};

function asText(words) {
  const box = document.createElement("div");
  box.textContent = words;
  return box;
}

function withTitles(items) {
  return items.map((item) => ({ ...item, title: asText(item.title) }));
}

// New nodes begin beside a neighbour that is there already, fanned out away from the middle, where there is room.
function placed(nodes, edges, network) {
  const known = network.getPositions();
  const middle = mean(Object.values(known));
  const fans = new Map();
  for (const node of nodes) {
    const edge = edges.find((e) => (e.from === node.id && known[e.to]) || (e.to === node.id && known[e.from]));
    const near = edge ? (edge.from === node.id ? edge.to : edge.from) : null;
    fans.set(near, [...(fans.get(near) ?? []), node]);
  }
  return [...fans].flatMap(([near, fan]) => (near === null ? fan : spread(fan, known[near], middle)));
}

function mean(points) {
  const sum = points.reduce((a, b) => ({ x: a.x + b.x, y: a.y + b.y }), { x: 0, y: 0 });
  return { x: sum.x / points.length, y: sum.y / points.length };
}

function spread(fan, near, middle) {
  const outward = Math.atan2(near.y - middle.y, near.x - middle.x);
  const step = Math.min(0.6, (1.5 * Math.PI) / fan.length);
  return fan.map((node, index) => {
    const angle = outward + (index - (fan.length - 1) / 2) * step;
    const reach = 170 + 12 * fan.length;
    return { ...node, x: near.x + reach * Math.cos(angle), y: near.y + reach * Math.sin(angle) };
  });
}

function make(component) {
  const container = component.parentElement.querySelector(".canvas");
  const nodes = new vis.DataSet(withTitles(component.data.nodes));
  const edges = new vis.DataSet(withTitles(component.data.edges));
  const network = new vis.Network(container, { nodes, edges }, options);
  const picture = { network, nodes, edges, container, centre: component.data.centre, send: () => {}, timer: 0 };
  network.once("stabilizationIterationsDone", () => rest(picture));
  container.network = network; // for the browser's console
  listen(picture);
  return picture;
}

// Nothing moves by itself once it has found its place.
function rest(picture) {
  picture.network.setOptions({ physics: { enabled: false } });
}

function listen(picture) {
  const { network, container } = picture;
  const report = (event) => {
    const pick = picked(event);
    if (pick) picture.send(pick);
  };
  network.on("click", (event) => {
    clearTimeout(picture.timer);
    picture.timer = setTimeout(() => report(event), DOUBLE_CLICK_MS);
  });
  network.on("doubleClick", (event) => {
    clearTimeout(picture.timer);
    const pick = picked(event);
    if (pick) picture.send(pick.what === "node" ? { ...pick, what: "expand" } : pick);
  });
  for (const name of ["hoverNode", "hoverEdge"]) network.on(name, () => (container.style.cursor = "pointer"));
  for (const name of ["blurNode", "blurEdge"]) network.on(name, () => (container.style.cursor = "default"));
}

function picked(event) {
  const [node] = event.nodes;
  const [edge] = event.edges;
  if (node !== undefined) return { what: node.startsWith(VALUE) ? "fact" : "node", id: node.slice(2) };
  return edge !== undefined ? { what: "fact", id: edge } : null;
}

function update(picture, data) {
  const { network, nodes, edges } = picture;
  const recentred = picture.centre !== data.centre;
  const fresh = data.nodes.filter((node) => !nodes.get(node.id));
  const wanted = new Set(data.nodes.map((node) => node.id));
  const drawn = new Set(data.edges.map((edge) => edge.id));
  const positions = network.getPositions();
  edges.remove(edges.getIds().filter((id) => !drawn.has(id)));
  nodes.remove(nodes.getIds().filter((id) => !wanted.has(id)));
  nodes.update(withTitles(data.nodes.filter((node) => nodes.get(node.id))));
  nodes.update(withTitles(placed(fresh, data.edges, network)));
  edges.update(withTitles(data.edges));
  picture.centre = data.centre;
  if (fresh.length > 0) settle(picture, recentred ? {} : positions);
  else if (recentred) network.fit({ animation: { duration: 400 } });
}

// Lets the new nodes find their places while those that were there stay where the person saw them.
function settle(picture, positions) {
  const { network, nodes } = picture;
  const held = Object.keys(positions).filter((id) => nodes.get(id));
  nodes.update(held.map((id) => ({ id, fixed: true })));
  network.once("stabilizationIterationsDone", () => {
    nodes.update(held.map((id) => ({ id, fixed: false })));
    rest(picture);
    network.fit({ animation: { duration: 400 } });
  });
  network.setOptions({ physics: { ...options.physics, enabled: true } });
  network.stabilize(160);
}

function select(picture, selected) {
  const { network, nodes, edges } = picture;
  const chosenEdges = selected.fact && edges.get(selected.fact) ? [selected.fact] : [];
  const node = `e:${selected.node}`;
  const chosenNodes = nodes.get(node) ? [node] : [];
  network.setSelection({ nodes: chosenEdges.length ? [] : chosenNodes, edges: chosenEdges }, { highlightEdges: false });
}

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  parentElement.querySelector(".frame").style.height = `${data.height}px`;
  let picture = pictures.get(parentElement);
  if (!picture) {
    picture = make(component);
    pictures.set(parentElement, picture);
    const { network } = picture;
    const zoom = (factor) => network.moveTo({ scale: network.getScale() * factor, animation: { duration: 200 } });
    parentElement.querySelector(".in").onclick = () => zoom(1.35);
    parentElement.querySelector(".out").onclick = () => zoom(1 / 1.35);
    parentElement.querySelector(".all").onclick = () => network.fit({ animation: { duration: 300 } });
  } else {
    update(picture, data);
  }
  picture.send = (pick) => setTriggerValue("pick", pick);
  select(picture, data.selected);
  return () => {
    clearTimeout(picture.timer);
    picture.network.destroy();
    pictures.delete(parentElement);
  };
}
