// The only ways in which this page makes elements. What was read from runs goes in as text and as
// attributes of fixed names; never as HTML, a style attribute or a handler.

const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function makeSvg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
    } else if (name === "css") {
      for (const [property, text] of Object.entries(value)) element.style.setProperty(property, text);
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

// A labelled <select>: options are [value, text] pairs.
function makeSelect(label, options, chosen, onChange, attributes = {}) {
  const select = make("select", { ...attributes, "aria-label": label, on: { change: () => onChange(select.value) } });
  for (const [value, text] of options) select.append(make("option", { value, selected: value === chosen }, text));
  return make("label", { class: "field" }, make("span", {}, label), select);
}

// Buttons of which one is on: radio buttons, so that arrow keys and screen readers know them.
let groups = 0;
function makeChoice(label, options, chosen, onChange) {
  const name = `choice-${(groups += 1)}`;
  const group = make("fieldset", { class: "choice" }, make("legend", { class: "unseen" }, label));
  for (const [value, text] of options) {
    const input = make("input", {
      type: "radio", name, value, checked: value === chosen, on: { change: () => onChange(value) },
    });
    group.append(make("label", {}, input, make("span", {}, text)));
  }
  return group;
}

function makeRange(label, { low, high, step, value, text }, onInput, attributes = {}) {
  const shown = make("output", {}, text ? text(value) : "");
  const range = make("input", { ...attributes, type: "range", min: low, max: high, step, value });
  range.setAttribute("aria-label", label);
  const say = () => { if (text) range.setAttribute("aria-valuetext", (shown.textContent = text(Number(range.value)))); };
  range.addEventListener("input", () => { say(); onInput(Number(range.value)); });
  say();
  return make("label", { class: "field range" }, make("span", {}, label), range, text ? shown : null);
}

// A setting's name, or a file's, that may be broken after its dots, underscores and slashes.
function breakable(name) {
  return name.split(/(?<=[._/])/).flatMap((part, index) => (index ? [make("wbr"), part] : [part]));
}

function announce(text) {
  byId("announcer").textContent = text;
}

// A button that copies; without permission for the clipboard, it selects the text for Ctrl+C.
function copyButton(text, label) {
  const button = make("button", { type: "button", class: "quiet copy", "aria-label": label }, "copy");
  button.addEventListener("click", async () => {
    const done = await copied(text);
    button.textContent = done ? "copied" : "press Ctrl+C";
    announce(done ? "Copied." : "Could not copy: press Ctrl+C.");
    setTimeout(() => { button.textContent = "copy"; }, 2000);
  });
  return button;
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedByHand(text);
  }
}

// Pages opened as a file have no clipboard in some browsers: the older way needs a text that is selected.
function copiedByHand(text) {
  const area = make("textarea", { class: "unseen", readonly: true, "aria-hidden": "true" });
  const focused = document.activeElement;
  area.value = text;
  (document.querySelector("dialog[open]") || document.body).append(area);
  area.select();
  let done = false;
  try { done = document.execCommand("copy"); } catch { /* forbidden */ }
  area.remove();
  if (focused) focused.focus();
  return done;
}
