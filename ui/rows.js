// A list of buttons from `data.rows`. Every word is put in as text, never as markup.

function part(name, words) {
  const span = document.createElement("span");
  span.className = name;
  span.textContent = words;
  return span;
}

function bar(row) {
  const track = part("track", "");
  const fill = part("fill", "");
  fill.style.width = `${Math.round(row.share * 100)}%`;
  fill.style.background = row.colour;
  track.append(fill);
  return track;
}

function button(row, chosen, choose) {
  const item = document.createElement("button");
  item.type = "button";
  item.className = row.id === chosen ? "row chosen" : "row";
  const first = row.rank ? part("rank", row.rank) : part("dot", "");
  if (!row.rank) first.style.background = row.colour;
  const words = part("words", "");
  if (row.lead) words.append(part("lead", row.lead));
  words.append(part("main", row.main));
  if (row.below) words.append(part("below", row.below));
  const end = part("end", "");
  if (row.tag) end.append(part(`tag ${row.tag}`, row.tag));
  if (row.note) end.append(part("note", row.note));
  if (row.share !== null) end.append(bar(row));
  item.append(first, words, end);
  item.onclick = () => choose(row.id);
  return item;
}

function link(row) {
  const anchor = document.createElement("a");
  anchor.className = "link";
  anchor.href = row.link;
  anchor.title = `${row.main} in the graph`;
  anchor.textContent = "↗";
  anchor.setAttribute("aria-label", anchor.title);
  return anchor;
}

export default function ({ parentElement, data, setTriggerValue }) {
  const list = parentElement.querySelector(".rows");
  const linked = data.rows.some((row) => row.link);
  list.replaceChildren(...data.rows.map((row) => {
    const item = document.createElement("div");
    item.setAttribute("role", "listitem");
    item.className = "item";
    item.append(button(row, data.chosen, (id) => setTriggerValue("pick", id)));
    if (linked) item.append(row.link ? link(row) : part("link", ""));
    return item;
  }));
}
