// The runs, as they stand in this file, and what parts of the page tell each other.

const DATA = JSON.parse(byId("data").textContent);
const RUNS = DATA.runs.map((run, index) => ({
  ...run,
  index,
  // without a prototype: a setting may be called "constructor"
  settings: Object.assign(Object.create(null), DATA.common, run.settings),
  measures: Object.assign(Object.create(null), run.measures),
  spread: Object.assign(Object.create(null), run.spread),
  curves: Object.assign(Object.create(null), run.curves),
}));
const MEASURES = new Map(DATA.measures.map((measure) => [measure.name, measure]));
const VARYING = DATA.varying;

// Runs of the same content, styles and size: only these can be ranked, each group by itself.
const HAS_GROUPS = DATA.groups.length > 1;
const groupName = (run) => (HAS_GROUPS && run.group !== null ? DATA.groups[run.group] : undefined);
// A group's number; runs that are in none, for they did not complete, come last.
const groupOf = (run) => (!HAS_GROUPS ? 0 : run.group === null ? DATA.groups.length : run.group);
function inGroups(runs) {
  const groups = new Map();
  for (const run of [...runs].sort((a, b) => groupOf(a) - groupOf(b))) {
    if (!groups.has(groupOf(run))) groups.set(groupOf(run), []);
    groups.get(groupOf(run)).push(run);
  }
  return [...groups.values()];
}

const shared = { shown: RUNS, typed: "", lit: null, colorBy: null };
const listeners = { shown: [], typed: [], lit: [], colorBy: [] };

function onChange(name, listener) {
  listeners[name].push(listener);
}

function change(name, value) {
  if (shared[name] === value) return;
  shared[name] = value;
  for (const listener of listeners[name]) listener(value);
}

// Light up one run wherever it is shown: picture, point, curve, row.
function lights(element, run) {
  element.dataset.run = run.index;
  element.addEventListener("mouseenter", () => change("lit", run));
  element.addEventListener("mouseleave", () => change("lit", null));
  element.addEventListener("focus", () => change("lit", run));
  element.addEventListener("blur", () => change("lit", null));
  return element;
}
onChange("lit", (run) => {
  for (const element of document.querySelectorAll(".lit")) element.classList.remove("lit");
  if (run) for (const element of document.querySelectorAll(`[data-run="${run.index}"]`)) element.classList.add("lit");
});

const measureOf = (run, name) => (typeof run.measures[name] === "number" ? run.measures[name] : null);
// Some of what is shown may be averages of several runs: means, with standard deviations as ``spread``.
const HAS_AVERAGES = RUNS.some((run) => run.average_of.length);
const isDone = (run) => run.status === "completed";

// The runs of which a chart may show something.
const CHARTED = RUNS.filter((run) => isDone(run) || Object.keys(run.curves).length);

function pictureOf(number) {
  return number === null || number === undefined ? null : DATA.pictures[number];
}

function image(number, alt, attributes = {}) {
  const picture = pictureOf(number);
  if (!picture) return null;
  return make("img", { alt, src: picture.src, width: picture.width, height: picture.height, decoding: "async", draggable: "false", ...attributes });
}

// Values of a setting in the order of an axis: numbers by size, all else as the runs came.
const keyOf = (value) => (value === undefined ? "" : JSON.stringify(value));
function valuesOf(name, runs = RUNS) {
  const distinct = new Map();
  for (const run of runs) distinct.set(keyOf(run.settings[name]), run.settings[name]);
  const values = [...distinct.values()];
  const numbers = values.filter((value) => typeof value === "number").sort((a, b) => a - b);
  return [...numbers, ...values.filter((value) => typeof value !== "number")];
}
