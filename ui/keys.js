// Draws `data.buttons` and reports each press, by mouse or by key, once a turn. Labels are put in as text only.

const panels = new WeakMap();
const REASON = "w";

function part(name, words) {
  const span = document.createElement(name);
  span.textContent = words;
  return span;
}

function button(panel, one) {
  const item = part("button", one.label);
  item.type = "button";
  item.className = one.tone;
  item.disabled = one.disabled;
  item.setAttribute("aria-keyshortcuts", one.keys.join(" "));
  const hint = part("kbd", one.keys[0].toUpperCase());
  hint.setAttribute("aria-hidden", "true");
  item.append(hint);
  item.onclick = () => press(panel, one);
  return item;
}

function press(panel, one) {
  if (one.disabled || panel.sent === panel.data.turn) return;
  panel.sent = panel.data.turn;
  panel.root.classList.add("sent");
  panel.reason.disabled = true;
  panel.send({ do: one.do, shown: panel.data.shown, why: one.reasons ? panel.reason.value.trim() : "" });
}

function writes(target) {
  return target instanceof Element && (target.isContentEditable || target.matches("input, textarea, select, [role=slider]"));
}

// Before Streamlit, which has keys of its own: R would run the page again.
function listen(panel, event) {
  const target = event.composedPath()[0];
  if (target === panel.reason) return inReason(panel, event);
  if (event.ctrlKey || event.metaKey || event.altKey || writes(target)) return;
  const key = event.key.toLowerCase();
  const one = panel.data.buttons.find((each) => each.keys.includes(key));
  if (!one && key !== REASON) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (!one) panel.reason.focus();
  else if (!event.repeat || one.tone === "") press(panel, one);
}

function inReason(panel, event) {
  event.stopImmediatePropagation();
  if (event.key === "Escape") panel.reason.blur();
  if (event.key !== "Enter" || event.isComposing) return;
  const one = panel.data.buttons.find((each) => each.reasons);
  panel.reason.blur();
  if (one) press(panel, one);
}

function begin(parentElement) {
  const root = parentElement.querySelector(".keys");
  const panel = { root, reason: root.querySelector("input"), sent: null, shown: null };
  panel.listen = (event) => listen(panel, event);
  window.addEventListener("keydown", panel.listen, true);
  panels.set(parentElement, panel);
  return panel;
}

export default function ({ parentElement, data, setTriggerValue }) {
  const panel = panels.get(parentElement) ?? begin(parentElement);
  panel.data = data;
  panel.send = (what) => setTriggerValue("press", what);
  const sent = panel.sent === data.turn;
  panel.root.classList.toggle("sent", sent);
  const reasoned = data.buttons.find((one) => one.reasons);
  panel.root.classList.toggle("plain", !reasoned);
  panel.reason.disabled = sent || !reasoned || reasoned.disabled;
  panel.root.querySelector(".buttons").replaceChildren(...data.buttons.map((one) => button(panel, one)));
  if (panel.shown !== data.shown) panel.reason.value = "";
  panel.shown = data.shown;
  return () => {
    window.removeEventListener("keydown", panel.listen, true);
    panels.delete(parentElement);
  };
}
